import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IntegerProperty } from '../http/dto/response-fields';
import { UserResponse } from '../users/user-response.dto';

export class TokenResponse {
  @ApiProperty({
    description: 'Send it as `Authorization: Bearer …`.',
    example: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2ln',
  })
  access_token!: string;
  @ApiProperty({ enum: ['bearer'], description: 'How to send the access token.', example: 'bearer' })
  token_type!: 'bearer';
  @IntegerProperty('Seconds until the access token expires.', 900)
  expires_in!: number;
  @ApiPropertyOptional({
    description:
      'Trade it for the next pair (grant `refresh_token`) when the access token has expired. It can be used once. API clients get none.',
    example: '5Yb0mQ8m0m1Jx0iVtJH3xq1n2c9d8e7f',
  })
  refresh_token?: string;
}

export class LoginResponse extends TokenResponse {
  @ApiProperty({ type: UserResponse, description: 'Who has logged in.' })
  user_info!: UserResponse;
}
