import { ApiProperty } from '@nestjs/swagger';
import { IdProperty, IntegerProperty, TextProperty, TimeProperty } from '../http/dto/response-fields';

class DeadLetter {
  @TextProperty('The id of the event that the mail tells about.', '0b6f7c1e-2f4d-4a8e-9d4b-0f6c2f0a9b11')
  id!: string;
  @TextProperty('What happened.', 'order.completed')
  topic!: string;
  @IdProperty('The order; null for a mail about an account.', 7, { nullable: true })
  order_id!: number | null;
  @IntegerProperty('How often sending was tried.', 1)
  attempts!: number;
  @TextProperty('What the mail server said last.', '550 5.1.1 No such user here', { nullable: true })
  error!: string | null;
  @TimeProperty('When the mail was given up.')
  failed_at!: string;
}

export class DeadLettersResponse {
  @ApiProperty({ type: 'integer', description: 'Mails that were given up.', example: 1 })
  count!: number;
  @ApiProperty({ type: [DeadLetter], description: 'The latest 20 of them.' })
  latest!: DeadLetter[];
}

export class RequeuedResponse {
  @ApiProperty({ type: 'integer', description: 'Mails that are tried again.', example: 1 })
  requeued!: number;
}
