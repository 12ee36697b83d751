import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, Public, Roles } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { ApiProblem } from '../errors/problem';
import { LimitGuesses } from '../rate-limit/rate-limit.decorators';
import { Credentials } from '../users/credentials';
import { PasswordResets } from '../users/password-resets';
import { ChangePasswordRequest, ForgotPasswordRequest, ResetPasswordRequest } from './password-request.dto';

@ApiTags('Authentication')
@Controller('auth')
export class PasswordController {
  constructor(
    private readonly credentials: Credentials,
    private readonly resets: PasswordResets,
  ) {}

  @Post('password')
  @Roles('user', 'admin')
  @LimitGuesses()
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

  @Post('forgot-password')
  @Public()
  @LimitGuesses()
  @HttpCode(202)
  @ApiOperation({
    summary: 'Ask for a new password',
    description:
      'Sends a token that is good for one hour to this address, if an account has it. The answer is the same if none has.',
  })
  @ApiAcceptedResponse({ description: 'If there is such an account, a message is on its way.' })
  @ApiProblem(400, 'The e-mail is missing or is not one.')
  forgot(@Body() { email }: ForgotPasswordRequest): Promise<void> {
    return this.resets.request(email);
  }

  @Post('reset-password')
  @Public()
  @LimitGuesses()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Set a new password',
    description: 'By the token that was sent; it can be used once. Ends every session and token of the user.',
  })
  @ApiNoContentResponse()
  @ApiProblem(
    400,
    'The token is not valid any more, or the new password cannot be accepted.',
    'VALIDATION_FAILED',
    'MALFORMED_REQUEST',
    'INVALID_RESET_TOKEN',
  )
  reset(@Body() { token, new_password }: ResetPasswordRequest): Promise<void> {
    return this.resets.reset(token, new_password);
  }
}
