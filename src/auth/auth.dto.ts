import { ApiProperty } from '@nestjs/swagger';
import { EnumField, TextField } from '../common/fields';
import { UserResponse } from '../users/user.dto';

export class LoginRequest {
  @TextField({ description: 'The e-mail; or give `username`.', max: 254, optional: true, example: 'john@example.com' })
  email?: string;
  @TextField({ description: 'The username (or e-mail); or give `email`.', max: 254, optional: true })
  username?: string;
  @TextField({ description: 'The password.', max: 128, format: 'password', example: 'correct horse battery' })
  password!: string;
}

/** RFC 6749 section 4.3, form-encoded. The Authorize button of Swagger UI sends this. */
export class TokenRequest {
  @EnumField({ description: 'The grant.', values: ['password'], example: 'password' })
  grant_type!: 'password';
  @TextField({ description: 'E-mail or username.', max: 254, example: 'john@example.com' })
  username!: string;
  @TextField({ description: 'The password.', max: 128, format: 'password', example: 'correct horse battery' })
  password!: string;
  @TextField({ description: 'Taken and ignored: there are no scopes.', min: 0, max: 200, optional: true })
  scope?: string;
  @TextField({ description: 'Taken and ignored for the password grant.', min: 0, max: 200, optional: true })
  client_id?: string;
  @TextField({ description: 'Taken and ignored for the password grant.', min: 0, max: 200, optional: true })
  client_secret?: string;
}

export class TokenResponse {
  @ApiProperty({ description: 'Send it as `Authorization: Bearer …`.' })
  access_token!: string;
  @ApiProperty({ enum: ['bearer'] })
  token_type!: 'bearer';
  @ApiProperty({ type: 'integer', description: 'Seconds until the access token expires.', example: 900 })
  expires_in!: number;
}

export class LoginResponse extends TokenResponse {
  @ApiProperty({ type: UserResponse })
  user_info!: UserResponse;
}
