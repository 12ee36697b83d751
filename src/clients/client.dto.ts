import { ApiProperty } from '@nestjs/swagger';
import { TextField } from '../http/dto/fields';
import { Page } from '../http/dto/pagination';
import type { ApiClient } from './api-client.entity';

export class CreateClientRequest {
  @TextField({ description: 'Name, kept in the history of what it does.', max: 100, example: 'Warehouse' })
  name!: string;
}

export class ClientResponse {
  @ApiProperty({ type: 'integer', example: 3 })
  id!: number;
  @ApiProperty({ example: 'Warehouse' })
  name!: string;
  @ApiProperty({ example: 'client_Zk3vT0mQxW8aL1bR' })
  client_id!: string;
  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;
}

export class ClientWithSecretResponse extends ClientResponse {
  @ApiProperty({
    description: 'Shown this once; only its hash is kept.',
    example: 'mXh0Yw5pQe3s8Rk1Uu6Tz4Lc9Vb2Nn7Jd0Gf5Ha3Ks8',
  })
  client_secret!: string;
}

export class ClientListResponse extends Page {
  @ApiProperty({ type: [ClientResponse] })
  clients!: ClientResponse[];
}

export function toClientResponse(client: ApiClient): ClientResponse {
  return {
    id: client.id,
    name: client.name,
    client_id: client.client_id,
    created_at: client.created_at.toISOString(),
  };
}
