import { Injectable, Logger } from '@nestjs/common';
import { InjectEntityManager } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal';
import { DomainError, notFound } from '../errors/domain-error';
import { assertOnePagingMode, decodeCursor, type PageQuery, page } from '../http/dto/pagination';
import { Operation } from '../observability/operation';
import type { User } from '../users/user.entity';
import { type RefreshToken, RefreshTokens } from './refresh-tokens';
import { type SessionListResponse, type SessionRow, toSessionResponse } from './session-response.dto';

/** Seconds in which a token that was just used gets the same successor again: a lost answer, or two tabs at once. */
const GRACE_SECONDS = 10;

/** Rotations that a session remembers: more within the grace are no accident. */
const ROTATIONS_KEPT = 8;

const EXPIRES_AT = `least(s.last_used_at + interval '7 days', s.created_at + interval '30 days')`;

/** A session lives until it expires, or the user's token version is raised by another; `s` is the session, `u` its user. */
const ALIVE = `u.id = s.user_id AND u.active AND (u.token_version = s.token_version OR u.kept_session = s.id)
  AND ${EXPIRES_AT} > now()`;

/** The user of a session, as a token is issued to them. */
type SessionUser = Pick<User, 'id' | 'name' | 'role' | 'active' | 'token_version'> & { session_id: number };

const USER_STATE = 'u.id, u.name, u.role, u.active, u.token_version, s.id AS session_id';

/**
 * Sessions of people, kept alive by refresh tokens: 7 days without use or 30 days in all. A token can be used once. One that is
 * used again after the grace was stolen, or its successor was: the whole family ends.
 */
@Injectable()
export class SessionsService {
  private readonly logger = new Logger('sessions');

  constructor(
    @InjectEntityManager() private readonly manager: EntityManager,
    private readonly tokens: RefreshTokens,
  ) {}

  /** Begins a session for a user who has just logged in, with its first refresh token. Clears away their dead ones. */
  async start(user: User, userAgent: string | undefined): Promise<{ id: number; refresh_token: string }> {
    const token = this.tokens.first();
    const [{ id }] = await this.manager.query(
      `WITH dead AS (DELETE FROM sessions WHERE id IN
         (SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.user_id = $1 AND NOT (${ALIVE}) LIMIT 100))
       INSERT INTO sessions (user_id, family, token_hash, token_version, user_agent) VALUES ($1, $2, $3, $4, $5)
       RETURNING id`,
      [user.id, token.family, token.hash, user.token_version, userAgent?.slice(0, 200)],
    );
    return { id, refresh_token: token.text };
  }

  /**
   * Trades a refresh token for its successor. However many requests present one token at once, they get the same one.
   * Errors: INVALID_REFRESH_TOKEN; then the session of that token, if there was one, is over.
   */
  async refresh(text: string): Promise<{ user: SessionUser; refresh_token: string }> {
    const token = this.tokens.read(text);
    if (!token) throw refused();
    const successor = this.tokens.successor(token);
    const user = (await this.rotate(token, successor)) ?? (await this.rotatedJustNow(token, successor));
    if (user) return { user, refresh_token: successor.text };
    await this.endFamily(token);
    throw refused();
  }

  /** Makes the successor the token to use next; undefined when `token` is not that any more. The row lock picks one winner. */
  private async rotate(token: RefreshToken, successor: RefreshToken): Promise<SessionUser | undefined> {
    const [users] = await this.manager.query(
      `UPDATE sessions s SET token_hash = $3, rotations = (ARRAY[now()] || s.rotations)[1:$4], last_used_at = now()
       FROM users u WHERE s.family = $1 AND s.token_hash = $2 AND ${ALIVE} RETURNING ${USER_STATE}`,
      [token.family, token.hash, successor.hash, ROTATIONS_KEPT],
    );
    return users[0];
  }

  /** The user of a token that was used within the grace, also if its successor was used since. */
  private async rotatedJustNow({ family }: RefreshToken, successor: RefreshToken): Promise<SessionUser | undefined> {
    const [session] = await this.manager.query(
      `SELECT ${USER_STATE}, s.token_hash,
         (SELECT count(*) FROM unnest(s.rotations) AS used WHERE used > now() - $2 * interval '1 second') AS recent
       FROM sessions s, users u WHERE s.family = $1 AND ${ALIVE}`,
      [family, GRACE_SECONDS],
    );
    // The token of which the present one is the n-th successor was used n rotations ago.
    for (let n = 1, next = successor; n <= session?.recent; n++, next = this.tokens.successor(next)) {
      if (next.hash.equals(session.token_hash)) return session;
    }
    return undefined;
  }

  private async endFamily({ family }: RefreshToken): Promise<void> {
    const [ended] = await this.manager.query('DELETE FROM sessions WHERE family = $1 RETURNING id, user_id', [family]);
    if (ended[0])
      this.logger.warn({ session: ended[0].id, user: ended[0].user_id }, 'refresh token reused: session ended');
  }

  /** Ends the session of this refresh token, also by one that was used before. Without such a session there is nothing to do. */
  @Operation('sessions.end')
  async end(text: string): Promise<void> {
    const token = this.tokens.read(text);
    if (token) await this.manager.query('DELETE FROM sessions WHERE family = $1', [token.family]);
  }

  /** One page of the caller's own sessions that are alive, by id. Errors: VALIDATION_FAILED. */
  async list(query: PageQuery, principal: Principal): Promise<SessionListResponse> {
    assertOnePagingMode(query);
    const after = query.cursor === undefined ? 0 : decodeCursor(query.cursor, 'id').id;
    const rows: SessionRow[] = await this.manager.query(
      `SELECT s.id, s.user_agent, s.created_at, s.last_used_at, ${EXPIRES_AT} AS expires_at FROM sessions s, users u
       WHERE s.user_id = $1 AND s.id > $2 AND ${ALIVE} ORDER BY s.id LIMIT $3 OFFSET $4`,
      [principal.id, after, query.limit + 1, query.offset ?? 0],
    );
    const shown = page(query, rows, ({ id }) => ({ sort: 'id', key: id, id }));
    return { sessions: shown.rows.map(toSessionResponse), ...shown.page };
  }

  /** Ends one of the caller's own sessions. Errors: NOT_FOUND. */
  @Operation('sessions.end_one')
  async endOne(id: number, principal: Principal): Promise<void> {
    const [, ended] = await this.manager.query('DELETE FROM sessions WHERE id = $1 AND user_id = $2', [
      id,
      principal.id,
    ]);
    if (ended === 0) throw notFound('Session');
  }
}

const refused = () =>
  new DomainError('INVALID_REFRESH_TOKEN', 'The refresh token is expired, used, or no longer valid: log in again.');
