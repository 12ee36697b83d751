import type { ClientBase } from 'pg';
import type { Wire } from './read-timeout';

/**
 * What the code takes for granted about a session. It is set on each connection, because URL (`?options=`), role and database
 * can each say otherwise: times are read as UTC, and transactions see what others have committed meanwhile.
 */
const SETTINGS = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  bytea_output: 'hex',
  search_path: 'public',
  default_transaction_isolation: 'read committed',
};

/** Time limits of a session in milliseconds; 0 is none. */
export interface SessionTimeouts {
  lock_timeout: number;
  statement_timeout: number;
  idle_in_transaction_session_timeout: number;
}

/** For work without a deadline, such as a migration: an index on a large table takes its time. */
export const NO_TIMEOUTS: SessionTimeouts = {
  lock_timeout: 0,
  statement_timeout: 0,
  idle_in_transaction_session_timeout: 0,
};

/** SQLSTATE read_only_sql_transaction. */
const READ_ONLY = '25006';

/** SQLSTATE transaction_resolution_unknown. */
const RESOLUTION_UNKNOWN = '08007';

/** The parts of a message of the server that {@link dropWhenUnusable} reads. */
interface ServerMessage {
  code?: string;
  routine?: string;
}

/**
 * For the `onConnect` of a pool: sets up the session. Errors: 25006 for a server that takes no writes, such as a standby that
 * is not promoted yet; the pool then closes the connection.
 */
export async function setUpSession(client: ClientBase, timeouts: SessionTimeouts): Promise<void> {
  dropWhenUnusable(client);
  const settings = Object.entries({ ...SETTINGS, ...timeouts });
  const set = settings.map(([name, value]) => `set_config('${name}', '${value}', false)`);
  const { rows } = await client.query(`SELECT ${set.join()}, current_setting('transaction_read_only') AS read_only`);
  if (rows[0].read_only === 'on') {
    throw Object.assign(new Error('The database takes no writes: it is a standby, or set to read only.'), {
      code: READ_ONLY,
    });
  }
}

/**
 * Closes a connection that turns out to be read-only, so that the next one may reach the new primary. Also one on which the
 * wait for a synchronous standby was cancelled: PostgreSQL then reports the commit as done, with a warning that it may be lost
 * in a failover, so its statement fails as "outcome unknown".
 */
function dropWhenUnusable(client: ClientBase): void {
  const { connection } = client as unknown as Wire;
  connection.on('errorMessage', ({ code }: ServerMessage) => {
    if (code === READ_ONLY) connection.stream.destroy();
  });
  connection.on('notice', ({ routine }: ServerMessage) => {
    if (routine !== 'SyncRepWaitForLSN') return;
    const unknown = new Error('The commit may not have reached the standby.');
    connection.emit('errorMessage', Object.assign(unknown, { code: RESOLUTION_UNKNOWN }));
    connection.stream.destroy();
  });
}
