import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, Roles } from '../common/access';
import type { Principal } from '../common/principal';
import { ApiProblem } from '../common/problem';
import { Credentials } from '../users/credentials';
import { ChangePasswordRequest } from './password.dto';

@ApiTags('Authentication')
@Controller('auth')
export class PasswordController {
  constructor(private readonly credentials: Credentials) {}

  @Post('password')
  @Roles('user', 'admin')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Change the password',
    description: 'Ends every session and every token of the caller, who logs in again with the new one.',
  })
  @ApiNoContentResponse()
  @ApiProblem(400, 'The present password is wrong, or the new one cannot be accepted.')
  change(
    @Body() { current_password, new_password }: ChangePasswordRequest,
    @CurrentPrincipal() principal: Principal,
  ): Promise<void> {
    return this.credentials.changePassword(current_password, new_password, principal);
  }
}
