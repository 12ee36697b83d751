import { TextField } from '../common/fields';
import { NEW_PASSWORD } from '../users/user.dto';

export class ChangePasswordRequest {
  @TextField({ description: 'The present password.', max: 128, format: 'password' })
  current_password!: string;
  @TextField(NEW_PASSWORD)
  new_password!: string;
}
