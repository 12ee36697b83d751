/** Text of a file below `src` that occurs there once, and what stands in its place when the guard is taken out. */
export interface Edit {
  file: string;
  find: string;
  replace: string;
}

const edit = (file: string, find: string, replace = ''): Edit => ({ file, find, replace });

const FOUNDATION = 'database/migrations/1760000000000-foundation.ts';
const PLACE = 'orders/placement/place-orders.statement.ts';

/**
 * How each guard of `docs/reliability.md` is taken out. Where it has several parts, each by itself; what stands in inner
 * brackets, together.
 */
export const MUTATIONS: Record<string, (Edit | Edit[])[]> = {
  'Stock is compared and taken in one statement': [
    [
      edit(PLACE, '    AND NOT EXISTS (SELECT FROM locked WHERE on_hand - reserved < demand)\n'),
      edit(PLACE, ' AND on_hand - reserved < w.quantity)', ' AND false)'),
    ],
  ],
  'CHECK `0 ≤ reserved ≤ on_hand`': [
    edit(FOUNDATION, 'AND reserved >= 0 AND reserved <= on_hand)', 'AND reserved >= 0)'),
  ],
  'Products are locked while their stock is compared': [edit(PLACE, ' FOR NO KEY UPDATE')],
  'Products are locked in the order of their ids': [
    edit(PLACE, 'FROM wanted GROUP BY id ORDER BY id', 'FROM wanted GROUP BY id ORDER BY min(position)'),
    edit('stock/stock.ts', ' ORDER BY id FOR UPDATE OF products', ' ORDER BY id DESC FOR UPDATE OF products'),
  ],
  'Lines of one product are one': [
    edit(PLACE, 'sum(quantity)::int AS quantity, min(position)', 'max(quantity) AS quantity, min(position)'),
  ],
  'The price that the buyer expected is compared under the lock': [
    edit(
      PLACE,
      `    WHEN (SELECT amount_cents FROM total WHERE total.request = r.request) <> expected_total_cents THEN 'price_changed'\n`,
    ),
  ],
  'A CHECK or number that fails for a moment is tried again': [
    edit('orders/placement/place-batch.ts', 'MAX_ATTEMPTS = 5', 'MAX_ATTEMPTS = 1'),
  ],
  'A refused order of a batch refuses no other': [
    edit('orders/placement/place-batch.ts', ' && (alone || outcomes.every(({ placed }) => placed))'),
  ],
  'A batch that waits for a lock frees its slot': [
    edit('orders/placement/batcher.ts', 'setTimeout(freeSlot, SLOW_BATCH_MS)', 'undefined'),
  ],
  'A locked product takes few connections': [
    edit('orders/placement/batcher.ts', 'MAX_BATCHES_PER_KEY = 3', 'MAX_BATCHES_PER_KEY = 1_000'),
    edit('database/connection-shares.ts', 'DATABASE_POOL_SIZE / 2', 'DATABASE_POOL_SIZE * 2'),
  ],
  'Primary key of caller and idempotency key': [edit(FOUNDATION, 'PRIMARY KEY (caller, key)', 'CHECK (true)')],
  'Advisory lock on a key in use': [
    edit(
      PLACE,
      `      WHEN key IS NOT NULL AND NOT pg_try_advisory_xact_lock(hashtextextended(caller || ' ' || key, 0)) THEN 'key_in_use'\n`,
    ),
  ],
  'Hash of the body that a key came with': [
    edit('idempotency/idempotency.ts', 'known.request_hash !== requestHash', 'known.request_hash === undefined'),
  ],
  'A key is bound to its caller': [
    edit('idempotency/idempotency.ts', 'return { caller: ', `return { caller: 'anybody', formerly: `),
  ],
  "The key is written in the order's own statement": [
    edit(
      PLACE,
      'SELECT caller, key, request_hash, content FROM snapshot WHERE key IS NOT NULL',
      `SELECT r.caller, r.key, r.request_hash, coalesce(content, '{}')
  FROM request r LEFT JOIN snapshot USING (request) WHERE r.key IS NOT NULL`,
    ),
  ],
  'A status is changed only from the one that was seen': [
    edit('orders/order-lifecycle.ts', 'WHERE id = $1 AND status = $2', `WHERE id = $1 AND $2 <> ''`),
  ],
  'The table of transitions': [
    edit('orders/order-status.ts', 'candidate.from === from && candidate.to === to', 'candidate.to === to'),
  ],
  'Stock moves in the transaction of the change': [
    edit('orders/order-lifecycle.ts', 'moveStock(inside, kind,', 'moveStock(this.manager, kind,'),
  ],
  'A requeued order must get its stock again': [
    edit(
      'orders/order-lifecycle.ts',
      'if (!(await moveStock(inside, kind, changed.lines, order, actor))) throw outOfStock();',
      'await moveStock(inside, kind, changed.lines, order, actor);\n        if (!order) throw outOfStock();',
    ),
  ],
  '`If-Match` is compared in the UPDATE': [
    edit('orders/order-lifecycle.ts', '($5::int IS NULL OR version = $5)', '($5::int IS NULL OR true)'),
    edit('orders/orders.service.ts', ', ...(versions && { version })'),
  ],
  'Fence: an attempt settles only while it is the present one': [
    edit('orders/order-lifecycle.ts', '($6::int IS NULL OR attempt = $6)', '($6::int IS NULL OR true)'),
  ],
  'Lease: an order is taken over only when it has run out': [
    edit('processing/order-processor.ts', 'AND lease_until <= now()', 'AND lease_until IS NOT NULL'),
  ],
  'Leases that ran out are looked for': [
    edit('processing/processing.schedule.ts', `  @Cron(EVERY_5_SECONDS, cronOptions('recovery'))\n`),
  ],
  'Orders of dead workers come before the backlog': [
    edit('processing/due-orders.ts', 'query(LEASE_EXPIRED), true)', 'query(LEASE_EXPIRED))'),
  ],
  'An order waits in the queue once': [
    edit('queue/queue.ts', `policy: oncePerKey ? 'short' : 'standard'`, `policy: 'standard'`),
  ],
  'Attempts are counted before the gateway is called': [
    edit('processing/order-processor.ts', `attempt = attempt + (lease_until > 'epoch')::int`, 'attempt = attempt'),
  ],
  'A known outcome is stored, never overwritten': [
    edit('processing/order-processor.ts', '[...SETTLE_RETRY_DELAYS_MS, null]', '[null]'),
  ],
  'Errors of the database are no answer of the gateway': [
    edit(
      'processing/order-processor.ts',
      'const call = await this.gateway.prepare(order);',
      'const call: FulfillmentCall = async (stop) => (await this.gateway.prepare(order))(stop);',
    ),
  ],
  'Later and later attempts': [
    edit('processing/order-processor.ts', 'Math.min(5 * 2 ** (attempt - 1), 300) * (1 + random)', '5'),
  ],
  'One key for all attempts at the gateway': [
    edit('processing/http-fulfillment-gateway.ts', 'order.attempts_before_requeue}', 'order.attempt}'),
  ],
  'A call of the gateway ends in time': [
    edit(
      'processing/http-fulfillment-gateway.ts',
      'AbortSignal.any([signal, AbortSignal.timeout(this.options.timeout)])',
      'signal',
    ),
  ],
  'Running orders are finished or given back at a shutdown': [
    edit('processing/processing.worker.ts', '    await this.queue.drain(PROCESS_ORDER);\n'),
    [
      edit('processing/processing.worker.ts', '    await this.queue.drain(PROCESS_ORDER);\n'),
      edit('queue/queue.ts', 'graceful: true', 'graceful: false'),
    ],
    edit('processing/processing.worker.ts', 'setTimeout(() => this.stopping.abort(), DRAIN_TIMEOUT_MS)', 'undefined'),
    edit('processing/order-processor.ts', '        await this.release(order);\n        return null;\n'),
  ],
  'Requests that run are answered at a shutdown': [
    edit('main.ts', 'await app.close();'),
    edit('http/server.ts', 'return503OnClosing: false', 'return503OnClosing: true'),
    edit('http/server.ts', `if (!server.server.listening) reply.header('connection', 'close');`),
    edit('health/health.service.ts', 'this.draining = true', 'this.draining = false'),
  ],
  'Load balancers see "not ready" before the port closes': [
    edit('main.ts', '    app.get(HealthService).startDraining();\n'),
    edit('main.ts', 'config.SHUTDOWN_DELAY_SECONDS * 1000', '0'),
  ],
  'Connections without a request are closed at a shutdown': [
    edit(
      'http/server.ts',
      'if (socket.bytesRead === 0) socket.destroy()',
      'if (socket.bytesRead < 0) socket.destroy()',
    ),
  ],
  'A timer runs in one process at a time': [
    edit('scheduling/timers.ts', `last_run_at <= now() - $2 * interval '1 second'`, '$2::int > 0'),
  ],
  'An event is written in the transaction of its change': [
    edit(
      'orders/order-lifecycle.ts',
      'const changed = await this.update(inside, change, actor);',
      `const changed = await this.update(inside, change, actor);
      const event = \`INSERT INTO outbox (topic, aggregate_type, aggregate_id, sequence, payload) VALUES ('order.requeued', 'order', $1, $2, '{}')\`;
      if (changed && change.to === 'pending') await this.manager.query(event, [change.orderId, changed.version]);`,
    ),
  ],
  'Rows of the outbox become jobs in one transaction': [
    edit(
      'events/outbox-relay.ts',
      'return this.manager.transaction(',
      'const perform = (work: (manager: EntityManager) => Promise<number>) => work(this.manager);\n    return perform(',
    ),
  ],
  'Positions are given by the relay, under the locked counter': [
    edit('events/event-log.ts', '$2::bigint + row_number() OVER (ORDER BY id) AS position', 'id AS position'),
    [
      edit('events/event-log.ts', ' FOR UPDATE SKIP LOCKED'),
      edit('events/event-log.ts', 'ORDER BY id LIMIT $1', 'ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED'),
    ],
  ],
  'Only public events enter the log': [
    edit('events/event-log.ts', 'topic = ANY($3) AND ', '$3::text[] IS NOT NULL AND '),
  ],
  'An event is logged once': [
    edit('events/event-log.ts', ' AND NOT EXISTS (SELECT FROM events WHERE events.id = moved.event_id)'),
  ],
  'Events are deleted from the oldest on': [
    edit('events/event-log.ts', 'WHERE position < first', `WHERE created_at < now() - $1 * interval '1 day'`),
  ],
  'Users read events of their own orders only': [
    edit('feed/event.dto.ts', 'isStaff(reader) || (reader.type', 'true || (reader.type'),
  ],
  'Users list events of their own orders only': [
    edit('feed/feed.service.ts', 'userIds: [...ownOnly(principal), ', 'userIds: ['),
  ],
  'Users are not told the ids of staff': [
    edit('feed/event.dto.ts', 'id: known ? actor.id : null', 'id: known === undefined ? null : actor.id'),
  ],
  'Deleted events are a 410, not a hole': [
    edit('feed/feed.service.ts', 'position > 0 && position < purged', 'position < 0 && position < purged'),
  ],
  'A stream that events were deleted under ends': [
    edit('feed/feed-reader.ts', "if (after < page.purged) return 'expired';"),
  ],
  'A query of the log reads a bounded number of rows': [
    edit('feed/feed-queries.ts', 'const MAX_SCANNED_ROWS = 5_000', 'const MAX_SCANNED_ROWS = 5_000_000'),
  ],
  'A stream ends with the access of its reader': [
    edit(
      'feed/event-stream.ts',
      "if (identity?.role !== reader.role) this.end('ACCESS_REVOKED');",
      'void identity?.role;',
    ),
  ],
  'A stream ends with the token of its reader': [
    edit('feed/event-stream.ts', 'Date.now() >= credential.expiresAt', 'Date.now() < 0'),
  ],
  'Nothing is sent to a reader whose access cannot be checked': [
    edit(
      'feed/event-stream.ts',
      'performance.now() + CHECK_RETRY_MS;\n      return false;',
      'performance.now() - CHECK_RETRY_MS;\n      return true;',
    ),
  ],
  'Limits for open streams': [
    edit('feed/event-streams.ts', 'this.open.size >= all', 'this.open.size < 0'),
    edit('feed/event-streams.ts', 'ofReader >= own', 'ofReader < 0'),
  ],
  'A stream whose client takes nothing is destroyed': [
    edit(
      'feed/event-streams.ts',
      'if (stream.stalled) this.close(stream)',
      'if (stream.stalled && this.stopping) this.close(stream)',
    ),
  ],
  'Streams end first at a shutdown': [
    edit('feed/event-streams.ts', "stream.end('SHUTTING_DOWN')", 'void stream'),
    edit('feed/feed.controller.ts', 'stream.body.readableEnded || reply.raw.destroy()', 'stream.body.readableEnded'),
  ],
  'A mail is queued once for its event': [edit('queue/queue.ts', '({ id: idOf(key), data })', '({ data })')],
  'A mail is sent before it is noted': [
    edit(
      'queue/queue.ts',
      'await handle(data, signal);',
      'if (data && name === "mail") await this.boss.complete(name, id);\n              await handle(data, signal);',
    ),
  ],
  'The mails of a dead worker are taken over': [edit('queue/queue.ts', '      heartbeatSeconds: HEARTBEAT_SECONDS,\n')],
  'A mail that cannot be sent now is tried again, or given up for good': [
    edit('notifications/mail-worker.ts', '{ retry: RETRY }', '{}'),
    edit('queue/queue.ts', 'retryDelayMax, retryBackoff: true', 'retryBackoff: false'),
    edit('notifications/mailer.ts', 'throw isRefusal(error as NodemailerError)', 'throw !error'),
  ],
  'A silent mail server is left in time': [
    edit('notifications/mail-transport.ts', 'SMTP_TIMEOUT_MS = 10_000', 'SMTP_TIMEOUT_MS = 600_000'),
  ],
  'Nothing waits for a mail': [
    edit(
      'processing/order-processor.ts',
      'const settled = await',
      `const unsent = "SELECT FROM pgboss.job WHERE name = 'mail' AND state < 'completed' AND data ->> 'order_id' = $1::text";
    while ((await this.manager.query(unsent, [order.id])).length > 0) await new Promise((go) => setTimeout(go, 500));
    const settled = await`,
    ),
  ],
  'CHECKs and unique keys of the schema': [
    edit(FOUNDATION, `CHECK (lease_until IS NULL OR status = 'processing')`, 'CHECK (true)'),
    edit(FOUNDATION, 'UNIQUE (order_id, product_id, cycle, kind)', 'CHECK (true)'),
    edit(
      FOUNDATION,
      'CONSTRAINT orders_completed CHECK',
      'CONSTRAINT orders_unheard_of CHECK (true),\n        CONSTRAINT orders_completed CHECK',
    ),
  ],
  'Advisory lock of migrations': [
    edit('database/data-source.ts', `    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);\n`),
  ],
  'Time limits of locks, statements and the pool': [
    [
      edit(
        'database/data-source.ts',
        'lock_timeout: 2_000, statement_timeout: 2_500',
        'lock_timeout: 60_000, statement_timeout: 60_000',
      ),
      edit('database/data-source.ts', 'READ_TIMEOUT_MS = 3_000', 'READ_TIMEOUT_MS = 60_000'),
    ],
    edit('database/data-source.ts', 'ACQUIRE_TIMEOUT_MS = 1_500', 'ACQUIRE_TIMEOUT_MS = 60_000'),
  ],
  'A lost connection is a 503': [
    [
      edit('errors/database-errors.ts', `new Set(['08', '53', '57', '58'])`, 'new Set<string>()'),
      edit('errors/database-errors.ts', '!!message && LOST_CONNECTION.test(message)', '!message'),
    ],
    edit('errors/database-errors.ts', '!!message && LOST_CONNECTION.test(message)', '!message'),
    edit('errors/database-errors.ts', 'NETWORK_CODES.has(code) || '),
  ],
  'A standby is refused': [edit('database/session.ts', `rows[0].read_only === 'on'`, 'rows[0].read_only === 1')],
  'A connection that turns read-only is dropped': [
    edit('database/session.ts', 'if (code === READ_ONLY) connection', 'if (!code) connection'),
  ],
  'A commit that skipped its standby is no success': [
    edit('database/session.ts', `routine !== 'SyncRepWaitForLSN'`, 'routine'),
  ],
  'Settings of a session are set on each connection': [
    edit('database/session.ts', '{ ...SETTINGS, ...timeouts }', '{ ...timeouts }'),
  ],
  'A database that cannot hold every text is refused': [
    edit('database/data-source.ts', `if (encoding === 'UTF8') return;`, 'if (encoding) return;'),
  ],
  'A connection on which the database keeps silent is given up': [
    edit('database/read-timeout.ts', `stream.on('timeout'`, `stream.once('timeout'`),
    edit('database/data-source.ts', '        destroyOnReadTimeout(READ_TIMEOUT_MS)(client);\n'),
    edit('queue/queue.ts', '      destroyOnReadTimeout(READ_TIMEOUT_MS)(client);\n'),
  ],
  'A connection may end at any moment': [
    [
      edit('database/crash-safe-client.ts', `    this.on('error', () => {});\n`),
      // A pool with such a hook hands a new connection out only when that moment is over.
      edit(
        'database/data-source.ts',
        '      onConnect: (client: ClientBase) => {',
        '      unused: (client: ClientBase) => {',
      ),
    ],
  ],
  'Errors of the queue end no process': [
    edit('queue/queue.ts', `this.boss.on('error', (error) => this.logger.warn({ err: loggable(error) }, 'queue'));`),
  ],
  'Metrics are shown without the database': [
    edit(
      'metrics/metrics.service.ts',
      `this.logger.warn({ err: loggable(error) }, 'metrics without the database');`,
      'throw error;',
    ),
  ],
  'Every request has a deadline': [edit('http/hooks/deadline.hook.ts', 'DEADLINE_MS = 4_000', 'DEADLINE_MS = 40_000')],
  'Health checks and scrapes end in time': [
    edit('health/health.service.ts', 'CHECK_TIMEOUT_MS = 3_000', 'CHECK_TIMEOUT_MS = 60_000'),
    edit('metrics/business-metrics.ts', 'READ_TIMEOUT_MS = 3_000', 'READ_TIMEOUT_MS = 60_000'),
  ],
  'Deadlocks and serialisation failures are tried again': [
    edit('errors/database-errors.ts', 'if (attempt === 3 || ', 'if (attempt === 1 || '),
  ],
  'Tallies are added to, never raised': [
    edit(
      'orders/order-counters.ts',
      'folded AS (DELETE FROM order_counters WHERE id IN (SELECT id FROM oldest) AND (SELECT count(*) FROM oldest) > $1\n         RETURNING *)',
      `folded AS (SELECT * FROM order_counters WHERE (SELECT count(*) FROM oldest) > $1),
       gone AS (DELETE FROM order_counters WHERE (SELECT count(*) FROM oldest) > $1)`,
    ),
  ],
  'A customer searches no customers': [
    edit(
      'orders/reading/order-queries.ts',
      'if (q === undefined || !isStaff(principal)) return [];',
      'if (q === undefined) return [];',
    ),
  ],
  'A search takes 1,000 customers at most': [
    edit('orders/reading/order-queries.ts', 'const MAX_CUSTOMERS = 1_000;', 'const MAX_CUSTOMERS = 1_000_000;'),
  ],
  'A search reads an index': [
    edit('database/migrations/1770000404000-search.ts', 'USING gin (search_grams(search_text))', '(id)'),
  ],
  'Every route declares who may call it': [edit('auth/route-access-audit.ts', 'open.length > 0', 'open.length < 0')],
  'Roles and ownership': [
    edit('auth/access.guard.ts', '!rule?.includes(principal.role)', '!rule'),
    edit('users/users.service.ts', `principal.role !== 'admin' && principal.id !== id`, 'principal.id === undefined'),
    edit(
      'orders/reading/order-queries.ts',
      `  if (!isStaff(principal)) conditions.add('o.user_id = ?', principal.id);\n  const text`,
      '  const text',
    ),
    edit(
      'orders/reading/order-queries.ts',
      `  if (!isStaff(principal)) conditions.add('o.user_id = ?', principal.id);\n  conditions`,
      '  conditions',
    ),
  ],
  'Each request is authenticated by itself': [
    edit('auth/strategies.ts', '[Object.create(this.jwt), Object.create(this.basic)]', '[this.jwt, this.basic]'),
    edit('auth/strategies.ts', '[Object.create(this.jwt), Object.create(this.basic)]', `['jwt', 'basic'] as never[]`),
  ],
  'Algorithm, issuer, audience and lifetime of a token are pinned': [
    edit('auth/jwt.strategy.ts', `      algorithms: ['HS256'],\n`),
    edit('auth/jwt.strategy.ts', `      issuer: ISSUER,\n`),
    edit('auth/jwt.strategy.ts', `      audience: AUDIENCE,\n`),
    edit('auth/jwt.strategy.ts', `typeof claims.exp !== 'number' || `),
    edit('auth/jwt.strategy.ts', ` || claims.token_use !== 'access'`),
  ],
  'A verified token is forgotten when it expires': [
    edit('auth/verified-tokens.ts', 'known && known.exp > Date.now() / 1000 ? known : undefined', 'known'),
  ],
  'What is cached ends by the monotonic clock': [
    edit('access/ttl-cache.ts', 'cached.until > performance.now()', 'cached.until > Date.now()'),
    [
      edit('access/ttl-cache.ts', 'cached.until > performance.now()', 'cached.until > Date.now()'),
      edit('access/ttl-cache.ts', 'until: performance.now() + TTL_MS', 'until: Date.now() + TTL_MS'),
    ],
  ],
  'Role and activity come from the database': [
    edit('auth/jwt.strategy.ts', 'role: user.role', 'role: token.role as typeof user.role'),
    edit('auth/jwt.strategy.ts', '!user?.active || (user.token_version', '(user?.token_version'),
  ],
  'Token version': [
    edit('users/users.service.ts', 'user.token_version + 1', 'user.token_version'),
    edit('users/credentials.ts', 'user.token_version + 1', 'user.token_version'),
    edit('auth/jwt.strategy.ts', ' || (user.token_version !== token.token_version && !kept)'),
  ],
  'A refresh token has one successor': [
    edit(
      'auth/refresh-tokens.ts',
      `createHmac('sha256', this.key).update(bytes).digest()`,
      `createHmac('sha256', randomBytes(32)).update(bytes).digest()`,
    ),
  ],
  'A refresh token used again ends its session': [
    edit('auth/sessions.service.ts', ' AND s.token_hash = $2', ' AND $2::bytea IS NOT NULL'),
    edit('auth/sessions.service.ts', '    await this.endFamily(token);\n'),
  ],
  'Only hashes of tokens are kept': [
    edit('auth/refresh-tokens.ts', `createHash('sha256').update(bytes).digest()`, 'bytes'),
    edit('users/password-resets.ts', `createHash('sha256').update(token).digest()`, 'Buffer.from(token)'),
  ],
  'A reset token works once': [
    edit('users/credentials.ts', 'token_version: user.token_version, active', 'active'),
    edit('users/password-resets.ts', ' AND u.token_version = r.token_version'),
  ],
  'A password is changed from the one that was proved': [
    edit('users/credentials.ts', 'token_version: user.token_version, active', 'active'),
  ],
  'One account for an address in any case': [
    edit(
      'database/migrations/1770000100200-folded-names.ts',
      'CREATE UNIQUE INDEX users_email ON users (lower(email COLLATE "C"))',
      'CREATE UNIQUE INDEX users_email ON users (email)',
    ),
  ],
  'Case is folded alike under every collation': [
    edit(
      'database/migrations/1770000100200-folded-names.ts',
      'users (lower(email COLLATE "C"))',
      'users (lower(email))',
    ),
    edit('users/folded.ts', ' COLLATE "C")', ')'),
  ],
  '`If-Match` of users and API clients is compared': [
    edit('users/users.service.ts', '    assertVersion(user.version, versions);\n'),
    edit('clients/clients.service.ts', ', ...(versions && { version: In([...versions]) })'),
  ],
  'A stolen access token changes no account': [
    edit('users/users.service.ts', '    if (takesPassword) await this.credentials.prove(actor, current_password);\n'),
    edit('users/users.service.ts', 'role !== undefined || (actor.id', '(actor.id'),
  ],
  'A new address counts once it is confirmed': [
    edit('users/email-addresses.ts', 'if (!own) return', 'if (own || !own) return'),
  ],
  'A change of the address ends the other sessions': [
    edit(
      'users/email-addresses.ts',
      'pending_email: email, token_version, kept_session',
      'pending_email: email, kept_session',
    ),
    edit('users/email-addresses.ts', 'kept_session: actor.sessionId ?? null', 'kept_session: null'),
  ],
  'Whether an address is taken is not told': [edit('users/email-addresses.ts', 'AND id <> $2::bigint)', 'AND false)')],
  'Addresses that are not confirmed get few mails': [
    edit('notifications/unproved-mails.ts', 'count(*) >= $3::int', 'count(*) < 0 AND $3::int > 0'),
    edit(
      'notifications/mail-composer.ts',
      "recipient.proved ? oneLine(recipient.name) : ''",
      'oneLine(recipient.name)',
    ),
    edit('notifications/mail-composer.ts', 'payload.reason && order.proved ?', 'payload.reason ?'),
    edit('notifications/mail-composer.ts', 'address && proved ?', 'address ?'),
  ],
  'No order before an address is confirmed, where that is required': [
    edit('orders/placement/placement.service.ts', '    await this.addresses.assertProved(actor);\n'),
  ],
  'The last admin stays': [
    edit('users/users.service.ts', `    order: { id: 'ASC' },\n    lock: { mode: 'pessimistic_write' },\n`),
  ],
  'Unknown users cost as much as known ones': [
    edit('users/password-hasher.ts', 'verify(argon2 ?? (await this.decoy)', '!!argon2 && verify(argon2'),
  ],
  'A wrong password takes as long whatever hash there is': [
    edit('users/password-hasher.ts', 'return cost > 0 && this', 'return !!bcrypt && this'),
    edit('users/password-hasher.ts', 'step < cost', 'step < 0'),
    edit('users/credentials.ts', 'user?.active ? user.password_hash : undefined', 'user?.password_hash'),
  ],
  'Few passwords are hashed at a time': [
    edit('users/turns.ts', 'this.waiting.length >= this.maxWaiting', 'this.waiting.length < 0'),
  ],
  'Few reset mails an hour': [edit('users/password-resets.ts', ' < $5::int', ' >= 0 AND $5::int > 0')],
  'Limits for each principal and address': [
    edit(
      'rate-limit/rate-limit.guard.ts',
      '    await this.count(throttler.name as LimitName, await getTracker(req, context), limit, ttl, res as FastifyReply);\n',
    ),
    edit('http/server.ts', 'trustedProxies.length > 0 ? trustOf(trustedProxies) : false', 'true'),
  ],
  'Addresses have one normal form': [
    edit('rate-limit/rate-limit.guard.ts', "normalizeIp(withoutPort(ip ?? ''))", 'String(ip)'),
    edit('http/client-address.ts', `const bare = withoutPort(address ?? '')`, `const bare = address ?? ''`),
  ],
  'Requests that no guard sees are limited': [
    edit('app.setup.ts', '  filter.beforeAnswer = (request, reply) => limit.countUnseen(request, reply);\n'),
  ],
  'Limits for guesses': [
    edit('rate-limit/rate-limit.module.ts', '    markedBy(GUESS, limits.credentials),\n'),
    edit('rate-limit/guess-limiter.ts', '!counted.isBlocked ||', 'counted ||'),
    edit('rate-limit/guess-limiter.ts', '(await this.storage.isKnown(account, currentAddress()))', 'false'),
  ],
  'A right password is no guess': [
    edit('rate-limit/guess-limiter.ts', `      this.storage.giveBack('credentials', address),\n`),
  ],
  'Only a right password makes an address known': [
    edit('auth/auth.service.ts', '    assertOwnParameters(request);\n'),
    edit(
      'users/credentials.ts',
      'await this.guesses.attempt(user ? accountOf(user.id) :',
      'if (user) await this.guesses.succeeded(accountOf(user.id));\n    await this.guesses.attempt(user ? accountOf(user.id) :',
    ),
  ],
  'Guesses are counted by the account that was found': [
    edit('users/credentials.ts', 'user ? accountOf(user.id) : unknownAccount(login)', 'unknownAccount(login)'),
  ],
  'Refreshes and client credentials are limited': [
    edit('rate-limit/rate-limit.module.ts', '    markedBy(TOKEN, limits.tokens),\n'),
    edit('auth/auth.controller.ts', '@LimitGuesses(({ grant_type }) => !TRADES.has(grant_type))', '@LimitGuesses()'),
  ],
  'Refused requests cost no statement': [
    edit('auth/basic.strategy.ts', '!this.clients.isKnown(clientId) && ', 'false && '),
    edit('auth/basic.strategy.ts', '!this.clients.isKnown(clientId) && ', ''),
    edit('auth/authentication.guard.ts', ` || this.reflector.get(ACCESS, context.getHandler()) === 'anonymous'`),
  ],
  'The matched route decides, not the address as it was written': [
    edit(
      'app.setup.ts',
      `async ({ routeOptions }) => {\n    if (routeOptions.url?.startsWith('/api/'))`,
      `async ({ url }) => {\n    if (url.startsWith('/api/'))`,
    ),
    edit(
      'http/interceptors/unexpected-input.interceptor.ts',
      `routeOptions.url?.startsWith('/api/')`,
      `routeOptions.url && context.switchToHttp().getRequest().url.startsWith('/api/')`,
    ),
  ],
  'Numbers that cannot be kept are refused': [
    edit('http/json-body.ts', '    if (MAYBE_INEXACT.test(text)) assertExactNumbers(text);\n'),
  ],
  '`If-Match` of a product is compared in the UPDATE': [
    edit('products/products.service.ts', '{ id, ...(versions && { version: In([...versions]) }) }', '{ id }'),
  ],
  'One Idempotency-Key a request': [edit('http/idempotency-key.ts', 'keys.length > 1 || ')],
  'What is not documented is refused': [
    edit('http/pipes/strict-validation.pipe.ts', 'forbidNonWhitelisted: true', 'forbidNonWhitelisted: false'),
  ],
  'Bodies have a size and a depth': [
    edit('http/server.ts', 'const BODY_LIMIT_BYTES = 1_048_576', 'const BODY_LIMIT = 10_485_760'),
    edit('http/json-body.ts', 'const MAX_DEPTH = 20', 'const MAX_DEPTH = 100_000'),
  ],
  'A weak secret is refused': [
    edit('config/load.ts', '  new Set(secret).size < MIN_DISTINCT_CHARACTERS ||\n'),
    edit('config/load.ts', '  /^(.{1,32}?)\\1+$/su.test(secret) ||\n'),
  ],
  'Processes that start together share one signing key': [
    edit('config/development.ts', 'linkSync(draft, path)', 'writeFileSync(path, readFileSync(draft))'),
  ],
  'Kill points are refused in production': [
    edit('config/load.ts', `  if (FAILPOINT) errors.push('FAILPOINT must not be set in production');\n`),
  ],
  'Secrets stay out of log and answers': [
    edit('observability/logging.ts', 'paths: SECRETS.flatMap', 'paths: [].flatMap'),
    edit('errors/problem.filter.ts', 'err: loggable(error)', 'err: error'),
  ],
  'An output that cannot be written costs log lines, not requests': [
    edit('observability/log-output.ts', ' | constants.O_NONBLOCK'),
    edit('observability/log-output.ts', ', maxLength: BUFFER_BYTES'),
    edit('observability/log-output.ts', ', delay(FLUSH_TIMEOUT_MS, undefined, { ref: false })'),
  ],
};
