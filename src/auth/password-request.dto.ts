import { EmailField, TextField } from '../http/dto/fields';
import { NEW_PASSWORD } from '../users/user-request.dto';

export class ChangePasswordRequest {
  @TextField({ description: 'The present password.', max: 128, format: 'password', example: 'correct horse battery' })
  current_password!: string;
  @TextField(NEW_PASSWORD)
  new_password!: string;
}

export class ForgotPasswordRequest {
  @EmailField({ description: 'The e-mail of the account.', example: 'john@example.com' })
  email!: string;
}

export class ResetPasswordRequest {
  @TextField({ description: 'The token from the e-mail.', max: 200, example: '5Yb0mQ8m0m1Jx0iVtJH3xq1n2c9d8e7f' })
  token!: string;
  @TextField(NEW_PASSWORD)
  new_password!: string;
}
