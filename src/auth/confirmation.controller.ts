import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, Public, Roles } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { ApiProblem } from '../errors/problem';
import { LimitGuesses } from '../rate-limit/rate-limit.decorators';
import { EmailAddresses } from '../users/email-addresses';
import { ConfirmEmailRequest } from './confirmation-request.dto';

@ApiTags('Authentication')
@Controller('auth')
export class ConfirmationController {
  constructor(private readonly addresses: EmailAddresses) {}

  @Post('confirm-email')
  @Public()
  @LimitGuesses()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Confirm an e-mail',
    description:
      'By the token that was sent to the address, within one day. A changed address counts from now on, in place of the old one.',
  })
  @ApiNoContentResponse()
  @ApiProblem(
    400,
    'The token is missing or not valid any more.',
    'VALIDATION_FAILED',
    'MALFORMED_REQUEST',
    'INVALID_CONFIRMATION_TOKEN',
  )
  @ApiProblem(409, 'Another account has got the address meanwhile.', 'EMAIL_TAKEN')
  confirm(@Body() { token }: ConfirmEmailRequest): Promise<void> {
    return this.addresses.confirm(token);
  }

  @Post('resend-confirmation')
  @Roles('user', 'admin')
  @LimitGuesses()
  @HttpCode(202)
  @ApiOperation({
    summary: 'Send the confirmation again',
    description:
      'To the address of the caller that is not confirmed yet. An address that is not confirmed gets 5 mails a day at most.',
  })
  @ApiAcceptedResponse({ description: 'If there is an address to confirm, a message is on its way.' })
  resend(@CurrentPrincipal() principal: Principal): Promise<void> {
    return this.addresses.resend(principal);
  }
}
