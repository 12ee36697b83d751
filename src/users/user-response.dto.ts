import { ApiProperty } from '@nestjs/swagger';
import { Page } from '../http/dto/pagination';
import { BooleanProperty, IdProperty, IntegerProperty, TextProperty, TimeProperty } from '../http/dto/response-fields';
import type { User } from './user.entity';
import { USER_ROLES } from './user-request.dto';

/** A user as the API shows it. No hash ever leaves. */
export class UserResponse {
  @IdProperty('The id.', 7)
  id!: number;
  @TextProperty('Full name.', 'Ann Smith')
  name!: string;
  @ApiProperty({
    format: 'email',
    description: 'Where mails go; also a name to log in with.',
    example: 'ann@example.com',
  })
  email!: string;
  @BooleanProperty('Whether the owner has proved that the e-mail is theirs.', true)
  email_confirmed!: boolean;
  @ApiProperty({
    type: 'string',
    format: 'email',
    nullable: true,
    description: 'The new e-mail, while it is not confirmed; `email` counts until then.',
    example: null,
  })
  pending_email!: string | null;
  @TextProperty('Another name to log in with.', 'ann', { nullable: true })
  username!: string | null;
  @ApiProperty({ enum: USER_ROLES, description: 'What the user may do.', example: 'user' })
  role!: string;
  @BooleanProperty('Whether the user may log in.', true)
  active!: boolean;
  @IntegerProperty('Raised by each change; the ETag.', 1)
  version!: number;
  @TimeProperty('When the account was opened.')
  created_at!: string;
  @TimeProperty('When it was last changed.')
  updated_at!: string;
}

export class UserListResponse extends Page {
  @ApiProperty({ type: [UserResponse], description: 'The users of this page.' })
  users!: UserResponse[];
}

export function toUserResponse(user: User): UserResponse {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    email_confirmed: user.email_confirmed_at !== null,
    pending_email: user.pending_email,
    username: user.username,
    role: user.role,
    active: user.active,
    version: user.version,
    created_at: user.created_at.toISOString(),
    updated_at: user.updated_at.toISOString(),
  };
}
