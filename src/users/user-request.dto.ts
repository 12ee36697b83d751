import { BooleanField, EmailField, EnumField, TextField } from '../http/dto/fields';
import { PageQuery } from '../http/dto/pagination';

/** The roles that a person can have; `service` is for API clients. */
export const USER_ROLES = ['user', 'admin'] as const;
type UserRole = (typeof USER_ROLES)[number];

const USERNAME = {
  description: 'Another name to log in with.',
  min: 3,
  max: 50,
  pattern: /^[A-Za-z0-9._-]+$/,
  patternHint: 'may have letters, digits and . _ - only',
  optional: true,
  example: 'john',
};

/** A password to be, wherever one is chosen. */
export const NEW_PASSWORD = {
  description: '8 to 128 characters; not a common password, nor your own name, e-mail or username.',
  min: 8,
  max: 128,
  format: 'password',
  example: 'correct horse battery',
};

/** What a person gives to open their own account. */
export class RegisterRequest {
  @TextField({ description: 'Full name.', max: 100, example: 'John Doe' })
  name!: string;
  @EmailField({ description: 'Unique without regard to case.', example: 'john@example.com' })
  email!: string;
  @TextField(NEW_PASSWORD)
  password!: string;
  @TextField(USERNAME)
  username?: string;
}

/** What an admin gives to open an account for somebody. */
export class CreateUserRequest extends RegisterRequest {
  @EnumField({ description: 'What the user may do.', values: USER_ROLES, example: 'user' })
  role!: UserRole;
}

export class UpdateUserRequest {
  @TextField({ description: 'Full name.', max: 100, optional: true, example: 'John Doe' })
  name?: string;
  @EmailField({
    description:
      'Unique without regard to case. Your own new e-mail counts once it is confirmed by the link that is sent to it.',
    optional: true,
    example: 'john@example.com',
  })
  email?: string;
  @TextField({ ...USERNAME, nullable: true })
  username?: string | null;
  @TextField({
    description: 'Your own present password: needed to change your own e-mail or username, or any role.',
    max: 128,
    optional: true,
    format: 'password',
    example: 'correct horse battery',
  })
  current_password?: string;
  @EnumField({ description: 'What the user may do. Admins only.', values: USER_ROLES, optional: true })
  role?: UserRole;
  @BooleanField({ description: 'Whether the user may log in. Admins only.', optional: true })
  active?: boolean;
}

export class UsersQuery extends PageQuery {
  @TextField({ description: 'Part of the name, e-mail or username, without regard to case.', max: 100, optional: true })
  q?: string;
  @EnumField({ description: 'Only those with this role.', values: USER_ROLES, optional: true })
  role?: UserRole;
  @BooleanField({ description: 'Only those that may, or may not, log in.', optional: true, fromText: true })
  active?: boolean;
}
