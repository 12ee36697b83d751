import { ApiProperty } from '@nestjs/swagger';
import type { User } from './user.entity';

/** A user as the API shows it. No hash ever leaves. */
export class UserResponse {
  @ApiProperty({ type: 'integer', example: 7 })
  id!: number;
  @ApiProperty({ example: 'Ann Smith' })
  name!: string;
  @ApiProperty({ format: 'email', example: 'ann@example.com' })
  email!: string;
  @ApiProperty({ type: 'string', nullable: true, example: 'ann' })
  username!: string | null;
  @ApiProperty({ enum: ['user', 'admin'], example: 'user' })
  role!: string;
  @ApiProperty()
  active!: boolean;
  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;
  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  updated_at!: string;
}

export function toUserResponse(user: User): UserResponse {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    username: user.username,
    role: user.role,
    active: user.active,
    created_at: user.created_at.toISOString(),
    updated_at: user.updated_at.toISOString(),
  };
}
