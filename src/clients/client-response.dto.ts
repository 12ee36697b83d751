import { ApiProperty } from '@nestjs/swagger';
import { Page } from '../http/dto/pagination';
import { IdProperty, IntegerProperty, TextProperty, TimeProperty } from '../http/dto/response-fields';
import type { ApiClient } from './api-client.entity';

export class ClientResponse {
  @IdProperty('The id.', 3)
  id!: number;
  @TextProperty('The name in the history of what it does.', 'Warehouse')
  name!: string;
  @TextProperty('What it calls itself by HTTP Basic or at /auth/token.', 'client_Zk3vT0mQxW8aL1bR')
  client_id!: string;
  @IntegerProperty('Raised by each change; the ETag.', 1)
  version!: number;
  @TimeProperty('When it was created.')
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
  @ApiProperty({ type: [ClientResponse], description: 'The API clients of this page.' })
  clients!: ClientResponse[];
}

export function toClientResponse(client: ApiClient): ClientResponse {
  return {
    id: client.id,
    name: client.name,
    client_id: client.client_id,
    version: client.version,
    created_at: client.created_at.toISOString(),
  };
}
