import { TextField } from '../http/dto/fields';

export class ConfirmEmailRequest {
  @TextField({ description: 'The token from the e-mail.', max: 200, example: '5Yb0mQ8m0m1Jx0iVtJH3xq1n2c9d8e7f' })
  token!: string;
}
