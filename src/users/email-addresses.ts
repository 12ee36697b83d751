import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal';
import { Config } from '../config/config';
import { DomainError } from '../errors/domain-error';
import type { UserTopic } from '../events/event-types';
import { publish } from '../events/outbox';
import { Operation } from '../observability/operation';
import { EmailConfirmation } from './email-confirmation.entity';
import { folded } from './folded';
import { rejectTaken } from './taken';
import { User } from './user.entity';
import { UserCache } from './user-cache';

/**
 * Writes the token and the event that brings it to the address, for one day. For an address that another account has, it
 * writes the same token and no event: whoever asks for the address of a stranger learns nothing, and nobody gets a mail.
 */
const SEND_TOKEN = `
  WITH expired AS (
    DELETE FROM email_confirmations WHERE token_hash IN
      (SELECT token_hash FROM email_confirmations WHERE expires_at <= now() LIMIT 100 FOR UPDATE SKIP LOCKED)
  ), token AS (
    INSERT INTO email_confirmations (token_hash, user_id, email, expires_at)
    VALUES ($1, $2::bigint, $3, now() + interval '1 day')
  )
  INSERT INTO outbox (topic, aggregate_type, aggregate_id, payload)
  SELECT $4, 'user', $2::bigint, jsonb_build_object('token', $5::text, 'email', $3::text)
  WHERE NOT EXISTS (SELECT FROM users WHERE ${folded('email')} = ${folded('$3')} AND id <> $2::bigint)`;

const CONFIRMATION_TOPIC: UserTopic = 'user.email_confirmation';

/** The columns of a user that a change of the address sets. */
type Columns = Partial<Pick<User, 'email' | 'email_confirmed_at' | 'pending_email' | 'token_version' | 'kept_session'>>;

/** The addresses of the accounts, and how their owners prove them. */
@Injectable()
export class EmailAddresses {
  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly cache: UserCache,
    private readonly config: Config,
  ) {}

  /** Sends a link that proves this address to it, once the transaction commits. */
  async sendToken(manager: EntityManager, userId: number, email: string): Promise<void> {
    const token = randomBytes(32).toString('base64url');
    await manager.query(SEND_TOKEN, [hashOf(token), userId, email, CONFIRMATION_TOPIC, token]);
  }

  /**
   * Gives `user`, who is locked, another address, and tells the old one. From an admin it counts at once, and ends every
   * session. From the user it counts once it is confirmed, and ends every session but the one that asked.
   * Returns what is to be set.
   */
  async change(manager: EntityManager, user: User, email: string, actor: Principal): Promise<Columns> {
    await manager.delete(EmailConfirmation, { user_id: user.id });
    // Giving the present address takes back a change that was not confirmed.
    if (email === user.email) return { pending_email: null };
    const own = actor.id === user.id;
    if (own && (await isSame(manager, email, user.email))) return { email, pending_email: null };
    await publish(manager, {
      topic: 'user.email_changed',
      aggregate_type: 'user',
      aggregate_id: user.id,
      sequence: null,
      payload: { email: user.email, proved: user.email_confirmed_at !== null },
    });
    const token_version = user.token_version + 1;
    if (!own) return { email, email_confirmed_at: new Date(), pending_email: null, token_version, kept_session: null };
    await this.sendToken(manager, user.id, email);
    return { pending_email: email, token_version, kept_session: actor.sessionId ?? null };
  }

  /** Proves an address by a token that was sent to it. Errors: INVALID_CONFIRMATION_TOKEN, EMAIL_TAKEN. */
  @Operation('users.confirm_email')
  async confirm(token: string): Promise<void> {
    const id = await this.manager.transaction(async (manager) => {
      const sent = await manager.findOneBy(EmailConfirmation, { token_hash: hashOf(token) });
      const user =
        sent && sent.expires_at > new Date()
          ? await manager.findOne(User, {
              where: { id: sent.user_id, active: true },
              lock: { mode: 'pessimistic_write' },
            })
          : null;
      if (!user || (sent?.email !== user.email && sent?.email !== user.pending_email)) {
        throw new DomainError(
          'INVALID_CONFIRMATION_TOKEN',
          'The token is expired or no longer valid: ask for a new one.',
        );
      }
      const moved = sent.email === user.pending_email ? { email: sent.email, pending_email: null } : {};
      const columns = {
        ...moved,
        email_confirmed_at: new Date(),
        version: user.version + 1,
        updated_at: () => 'now()',
      };
      await manager.update(User, user.id, columns).catch(rejectTaken);
      await manager.delete(EmailConfirmation, { user_id: user.id });
      return user.id;
    });
    this.cache.invalidate(id);
  }

  /** Sends the link once more to the address of the caller that is not proved yet; without one it does nothing. */
  @Operation('users.resend_confirmation')
  async resend(principal: Principal): Promise<void> {
    const user = await this.manager.findOneByOrFail(User, { id: principal.id as number });
    const unproved = user.pending_email ?? (user.email_confirmed_at ? null : user.email);
    if (unproved) await this.sendToken(this.manager, user.id, unproved);
  }

  /** Refuses a user whose address is not proved where EMAIL_CONFIRMATION requires it. Errors: EMAIL_NOT_CONFIRMED. */
  async assertProved(principal: Principal): Promise<void> {
    if (this.config.EMAIL_CONFIRMATION !== 'required' || principal.type !== 'user') return;
    const user = await this.cache.get(principal.id as number);
    if (!user?.email_confirmed_at)
      throw new DomainError('EMAIL_NOT_CONFIRMED', 'Confirm your e-mail first, by the link that was sent to it.');
  }
}

async function isSame(manager: EntityManager, one: string, other: string): Promise<boolean> {
  const [{ same }] = await manager.query(`SELECT ${folded('$1::text')} = ${folded('$2::text')} AS same`, [one, other]);
  return same;
}

const hashOf = (token: string) => createHash('sha256').update(token).digest();
