import { ApiProperty } from '@nestjs/swagger';
import { Page } from '../http/dto/pagination';
import { IdProperty, TextProperty, TimeProperty } from '../http/dto/response-fields';

/** A session as it is read from the database. */
export interface SessionRow {
  id: number;
  user_agent: string | null;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

export class SessionResponse {
  @IdProperty('The id.', 12)
  id!: number;
  @TextProperty('What the client called itself at login.', 'curl/8.5.0', { nullable: true })
  user_agent!: string | null;
  @TimeProperty('When the user logged in.')
  created_at!: string;
  @TimeProperty('The last login or refresh.')
  last_used_at!: string;
  @ApiProperty({
    format: 'date-time',
    description: 'When it ends unless it is used before: 7 days after the last use, 30 after the login at most.',
    example: '2026-02-07T12:00:00.000Z',
  })
  expires_at!: string;
}

export class SessionListResponse extends Page {
  @ApiProperty({ type: [SessionResponse], description: 'The sessions of this page.' })
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
