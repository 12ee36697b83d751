import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { DomainError } from '../errors/domain-error';
import type { UserTopic } from '../events/event-types';
import { Operation } from '../observability/operation';
import { Credentials } from './credentials';
import { folded } from './folded';
import type { User } from './user.entity';

/** Tokens that an account can have at a time, each for an hour: so many mails an hour can be made by strangers. */
const MAX_TOKENS = 5;

/** Any number, the same in every process: the first key of the locks on addresses. */
const LOCK = 1_770_101;

/** Requests for one address run one after the other, so that each sees the tokens of those before. */
const LOCK_ADDRESS = `SELECT pg_advisory_xact_lock($1::int, hashtext(${folded('$2::text')}))`;

/**
 * Writes the token and the event that brings it to its user, in one statement that writes and commits also for an address
 * that nobody has, or that has its tokens: they cannot be told apart by the time they take. What has expired goes with it.
 */
const REQUEST_RESET = `
  WITH expired AS (
    DELETE FROM password_resets
    WHERE token_hash IN
      (SELECT token_hash FROM password_resets WHERE expires_at <= now() LIMIT 100 FOR UPDATE SKIP LOCKED)
  ), reset AS (
    INSERT INTO password_resets (token_hash, user_id, email, token_version, expires_at)
    SELECT $2, u.id, u.email, u.token_version, now() + interval '1 hour'
    FROM (VALUES (true)) AS always LEFT JOIN users u ON ${folded('u.email')} = ${folded('$1')} AND u.active
      AND (SELECT count(*) FROM password_resets r WHERE r.user_id = u.id AND r.expires_at > now()) < $5::int
    RETURNING user_id
  )
  INSERT INTO outbox (topic, aggregate_type, aggregate_id, payload)
  SELECT $4, 'user', user_id, jsonb_build_object('token', $3::text) FROM reset WHERE user_id IS NOT NULL`;

const RESET_TOPIC: UserTopic = 'user.password_reset';

/** Whom a token lets in: once, within the hour, while address and token version are those of when it was sent. */
const FIND_USER = `
  SELECT u.* FROM password_resets r
  JOIN users u ON u.id = r.user_id AND u.email = r.email AND u.token_version = r.token_version AND u.active
  WHERE r.token_hash = $1 AND r.expires_at > now()`;

/** The way back for those who forgot their password. */
@Injectable()
export class PasswordResets {
  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly credentials: Credentials,
  ) {}

  /**
   * Sends a token of 256 random bits to the active user with this e-mail, if there is one, five times an hour at most. Tells
   * nobody whether there is.
   */
  @Operation('users.forgot_password')
  async request(email: string): Promise<void> {
    const token = randomBytes(32).toString('base64url');
    await this.manager.transaction(async (manager) => {
      await manager.query(LOCK_ADDRESS, [LOCK, email]);
      await manager.query(REQUEST_RESET, [email, hashOf(token), token, RESET_TOPIC, MAX_TOKENS]);
    });
  }

  /**
   * Sets a new password by a token that was sent, which ends every session and token of the user, other resets included.
   * Errors: INVALID_RESET_TOKEN, VALIDATION_FAILED (the new password is too easy; the token stays good).
   */
  @Operation('users.reset_password')
  async reset(token: string, password: string): Promise<void> {
    const [user]: User[] = await this.manager.query(FIND_USER, [hashOf(token)]);
    // Whoever has the token reads the mails of this address.
    const proved = { email_confirmed_at: user?.email_confirmed_at ?? new Date() };
    if (!user || !(await this.credentials.setPassword(user, password, proved))) {
      throw new DomainError(
        'INVALID_RESET_TOKEN',
        'The token is expired, used, or no longer valid: ask for a new one.',
      );
    }
  }
}

const hashOf = (token: string) => createHash('sha256').update(token).digest();
