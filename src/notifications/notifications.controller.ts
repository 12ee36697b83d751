import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../access/access.decorators';
import { DeadLettersResponse, RequeuedResponse } from './notification-response.dto';
import { NotificationsService } from './notifications.service';

@ApiTags('Notifications')
@Controller('notifications/dead-letters')
export class NotificationsController {
  constructor(private readonly notifications: NotificationsService) {}

  @Get()
  @Roles('admin')
  @ApiOperation({
    summary: 'Mails that were given up',
    description: 'Refused by the mail server, or undeliverable for a day. Why, and since when.',
  })
  @ApiOkResponse({ type: DeadLettersResponse })
  list(): Promise<DeadLettersResponse> {
    return this.notifications.deadLetters();
  }

  @Post('requeue')
  @Roles('admin')
  @HttpCode(202)
  @ApiOperation({ summary: 'Try them again', description: 'Queues every mail that was given up once more.' })
  @ApiAcceptedResponse({ type: RequeuedResponse })
  async requeue(): Promise<RequeuedResponse> {
    return { requeued: await this.notifications.requeue() };
  }
}
