import { TextField } from '../http/dto/fields';

export class LogoutRequest {
  @TextField({
    description: 'The refresh token of the session to end.',
    max: 200,
    example: '5Yb0mQ8m0m1Jx0iVtJH3xq1n2c9d8e7f',
  })
  refresh_token!: string;
}
