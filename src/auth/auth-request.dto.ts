import { EnumField, TextField } from '../http/dto/fields';

export class LoginRequest {
  @TextField({ description: 'The e-mail; or give `username`.', max: 254, optional: true, example: 'john@example.com' })
  email?: string;
  @TextField({ description: 'The username (or e-mail); or give `email`.', max: 254, optional: true })
  username?: string;
  @TextField({ description: 'The password.', max: 128, format: 'password', example: 'correct horse battery' })
  password!: string;
}

export const GRANTS = ['password', 'refresh_token', 'client_credentials'] as const;

/** RFC 6749, form-encoded; which fields it takes depends on the grant. The Authorize button of Swagger UI sends this. */
export class TokenRequest {
  @EnumField({ description: 'The grant.', values: GRANTS, example: 'password' })
  grant_type!: (typeof GRANTS)[number];
  @TextField({
    description: 'E-mail or username, for the grant `password`.',
    max: 254,
    optional: true,
    example: 'john@example.com',
  })
  username?: string;
  @TextField({
    description: 'The password, for the grant `password`.',
    max: 128,
    optional: true,
    format: 'password',
    example: 'correct horse battery',
  })
  password?: string;
  @TextField({ description: 'The refresh token, for the grant `refresh_token`.', max: 200, optional: true })
  refresh_token?: string;
  @TextField({ description: 'Taken and ignored: there are no scopes.', min: 0, max: 200, optional: true })
  scope?: string;
  @TextField({
    description: 'For the grant `client_credentials`, unless sent by HTTP Basic. Ignored for the others.',
    min: 0,
    max: 200,
    optional: true,
  })
  client_id?: string;
  @TextField({ description: 'Goes with `client_id`.', min: 0, max: 200, optional: true, format: 'password' })
  client_secret?: string;
}
