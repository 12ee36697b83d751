import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { folded } from '../users/folded';

/** Mails that an address may get in a day before its owner has confirmed it. */
const MAILS_A_DAY = 5;

/** Any number, the same in every process: the first key of the locks on addresses. */
const LOCK = 1_770_100;

/** Mails about one address are counted one after the other. */
const LOCK_ADDRESS = `SELECT pg_advisory_xact_lock($1::int, hashtext(${folded('$2::text')}))`;

/** Counts a mail for an event, once however often it is tried, and clears away what is older than a day. */
const COUNT_MAIL = `
  WITH old AS (
    DELETE FROM unproved_mails WHERE event_id IN
      (SELECT event_id FROM unproved_mails WHERE created_at <= now() - interval '1 day' LIMIT 100 FOR UPDATE SKIP LOCKED)
  )
  INSERT INTO unproved_mails (event_id, address, left_out)
  SELECT $1::uuid, ${folded('$2::text')}, count(*) >= $3::int FROM unproved_mails
  WHERE address = ${folded('$2::text')} AND NOT left_out AND created_at > now() - interval '1 day'
  ON CONFLICT (event_id) DO NOTHING`;

/** Limits the mails to addresses that nobody has confirmed: they may be a stranger's. */
@Injectable()
export class UnprovedMails {
  constructor(@InjectEntityManager() private readonly manager: EntityManager) {}

  /** Whether the mail about this event may go to this address. One that may not is recorded, and not sent later. */
  admit(address: string, eventId: string): Promise<boolean> {
    return this.manager.transaction(async (manager) => {
      await manager.query(LOCK_ADDRESS, [LOCK, address]);
      await manager.query(COUNT_MAIL, [eventId, address, MAILS_A_DAY]);
      const [{ left_out }] = await manager.query('SELECT left_out FROM unproved_mails WHERE event_id = $1', [eventId]);
      return !left_out;
    });
  }
}
