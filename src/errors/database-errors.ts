import { DomainError } from './domain-error';

/** SQLSTATE classes that pass by themselves: connection, resources, operator intervention. */
const TRANSIENT_CLASSES = new Set(['08', '53', '57', '58']);
/** Read-only server (25006), deadlock and serialization failure (retried before they get here), lock not available, session timeouts. */
const TRANSIENT_CODES = new Set(['25006', '40001', '40P01', '55P03', '25P03', '25P04']);
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);
/** What pg and TypeORM say after a lost connection or a full pool: such errors carry no code at all. */
const LOST_CONNECTION =
  /connection terminated|terminating connection|timeout exceeded when trying to connect|query read timeout|connection error|not queryable|pool after calling end|timeout expired|driver not connected|connection is not established|query runner already released/i;

interface DatabaseError {
  code?: string;
  constraint?: string;
  message?: string;
  driverError?: DatabaseError;
}

/** The PostgreSQL error inside whatever TypeORM or pg has thrown. */
function databaseError(error: unknown): DatabaseError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const outer = error as DatabaseError;
  return outer.driverError ?? outer;
}

/** The SQLSTATE of an error, if it came from the server. */
function sqlState(error: unknown): string | undefined {
  return databaseError(error)?.code;
}

/** The name of the violated constraint, for unique (23505) and check (23514) violations. */
export function violatedConstraint(error: unknown): string | undefined {
  const found = databaseError(error);
  return found?.code === '23505' || found?.code === '23514' ? found.constraint : undefined;
}

/** True when the same request may succeed soon: the database is away or overloaded, or a lock could not be taken in time. */
function isTransient(error: unknown): boolean {
  const { code, message } = databaseError(error) ?? {};
  if (code && (TRANSIENT_CODES.has(code) || NETWORK_CODES.has(code) || TRANSIENT_CLASSES.has(code.slice(0, 2))))
    return true;
  return !!message && LOST_CONNECTION.test(message);
}

/** True when PostgreSQL refuses the data of one row: a value that it cannot hold (class 22), or a constraint (class 23). */
export function isDataError(error: unknown): boolean {
  return /^2[23]/.test(sqlState(error) ?? '');
}

/** True when a lock could not be taken within the lock timeout. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === '55P03';
}

/** What a client may know of a database error: 503 when it passes, nothing otherwise. */
export function databaseProblem(error: unknown): DomainError | undefined {
  return isTransient(error) ? unavailable() : undefined;
}

/** The answer to a request for which the database has no time. */
export const unavailable = (): DomainError =>
  new DomainError('UNAVAILABLE', 'The database cannot answer just now. Try again shortly.');

/** Runs `work` again, at most three times in all, when PostgreSQL ended it to resolve a deadlock or a serialisation conflict. */
export async function retrySerialization<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const code = sqlState(error);
      if (attempt === 3 || (code !== '40001' && code !== '40P01')) throw error;
    }
  }
}
