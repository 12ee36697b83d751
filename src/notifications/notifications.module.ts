import { Module } from '@nestjs/common';
import { MailerModule } from '@nestjs-modules/mailer';
import { Config } from '../config/config';
import { MailComposer } from './mail-composer';
import { mailTransport } from './mail-transport';
import { MailWorker } from './mail-worker';
import { Mailer } from './mailer';
import { NotificationsController } from './notifications.controller';
import { NotificationsService } from './notifications.service';
import { HandlebarsAdapter } from './templates';
import { UnprovedMails } from './unproved-mails';

@Module({
  imports: [
    MailerModule.forRootAsync({
      imports: [],
      inject: [Config],
      useFactory: (config: Config) => {
        const templates = new HandlebarsAdapter();
        return {
          transport: mailTransport(config),
          // As a plugin, not as `template.adapter`: for that the package also loads preview-email, 22 MB of memory.
          plugins: [{ step: 'compile', plugin: (mail, done) => templates.compile(mail, done) }],
        };
      },
    }),
  ],
  controllers: [NotificationsController],
  providers: [MailComposer, UnprovedMails, Mailer, MailWorker, NotificationsService],
})
export class NotificationsModule {}
