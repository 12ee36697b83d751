import { Module } from '@nestjs/common';
import { MailComposer } from './mail-composer';
import { MailWorker } from './mail-worker';
import { Mailer } from './mailer';
import { NotificationsController } from './notifications.controller';
import { NotificationsService } from './notifications.service';
import { Templates } from './templates';

@Module({
  controllers: [NotificationsController],
  providers: [Templates, MailComposer, Mailer, MailWorker, NotificationsService],
})
export class NotificationsModule {}
