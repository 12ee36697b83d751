import { ApiProperty } from '@nestjs/swagger';
import { TextField } from '../http/dto/fields';
import { Page } from '../http/dto/pagination';

export class LogoutRequest {
  @TextField({
    description: 'The refresh token of the session to end.',
    max: 200,
    example: '5Yb0mQ8m0m1Jx0iVtJH3xq1n2c9d8e7f',
  })
  refresh_token!: string;
}

/** A session as it is read from the database. */
export interface SessionRow {
  id: number;
  user_agent: string | null;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

export class SessionResponse {
  @ApiProperty({ type: 'integer', example: 12 })
  id!: number;
  @ApiProperty({ type: 'string', nullable: true, description: 'What the client called itself at login.' })
  user_agent!: string | null;
  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;
  @ApiProperty({ format: 'date-time', description: 'The last login or refresh.', example: '2026-01-31T12:00:00.000Z' })
  last_used_at!: string;
  @ApiProperty({
    format: 'date-time',
    description: 'When it ends unless it is used before: 7 days after the last use, 30 after the login at most.',
    example: '2026-02-07T12:00:00.000Z',
  })
  expires_at!: string;
}

export class SessionListResponse extends Page {
  @ApiProperty({ type: [SessionResponse] })
  sessions!: SessionResponse[];
}

export function toSessionResponse(row: SessionRow): SessionResponse {
  return {
    id: row.id,
    user_agent: row.user_agent,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
  };
}
