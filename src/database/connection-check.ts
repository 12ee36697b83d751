import { StartError } from '../errors/start-error';
import { Connection } from './crash-safe-client';

/** Milliseconds for the server to answer: the process ends within 5 s when it does not. */
const CONNECT_TIMEOUT_MS = 3_000;

/** What libpq tries, in its order, for the modes of TLS that leave a choice. No certificate is verified, as in libpq. */
const SSL_MODES: Record<string, string[]> = { prefer: ['no-verify', 'disable'], allow: ['disable', 'no-verify'] };

/** What to change, by SQLSTATE, by the code of a network error, or by a word of the message. */
const CAUSES: [pattern: RegExp, sentence: string][] = [
  [
    /^ERR_INVALID_URL$|^URI malformed$/,
    'cannot be parsed: write postgres://user:password@host:port/database, with special characters as %XX',
  ],
  [/^(ENOENT|EISDIR)$/, 'names a file of certificates or keys, or a socket, that is not there'],
  [/^3D000$/, 'names a database that does not exist: create it, or change the name'],
  [/^28/, 'has a user name or password that the server does not accept, or the server does not admit this address'],
  [/^53300$/, 'names a server that has no connection left: raise max_connections, or lower DATABASE_POOL_SIZE'],
  [/^57P03$/, 'names a server that is starting or shutting down: try again'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'names a host that cannot be found: check the name'],
  [/^ECONNREFUSED$/, 'names an address where nothing listens: start PostgreSQL, or correct host and port'],
  [
    /^(EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$|timeout/i,
    `names a server that did not answer within ${CONNECT_TIMEOUT_MS / 1000} s: check host, port and firewall`,
  ],
  [
    /does not support SSL/,
    'asks for TLS, which the server does not have: remove sslmode, or set it to prefer or disable',
  ],
  [
    /CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL)/,
    'asks for TLS, but the certificate of the server cannot be verified: give sslrootcert, or set sslmode=no-verify',
  ],
];

/**
 * Connects once; returns the URL with its `sslmode` decided where it leaves a choice. Throws a {@link StartError} that says what
 * is wrong with `DATABASE_URL`, and never its value.
 */
export async function checkDatabase(url: string): Promise<string> {
  const mode = /[?&]sslmode=(prefer|allow)(?=&|$)/.exec(url)?.[1];
  const candidates = SSL_MODES[mode ?? '']?.map((choice) => withSslMode(url, choice)) ?? [url];
  for (const [index, candidate] of candidates.entries()) {
    try {
      await connect(candidate);
      return candidate;
    } catch (error) {
      if (index < candidates.length - 1 && isAboutTls(error as PgError)) continue;
      throw asStartError(error as PgError);
    }
  }
  return url;
}

type PgError = Error & { code?: string };

async function connect(connectionString: string): Promise<void> {
  const client = new Connection({ connectionString, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  try {
    await client.connect();
    const { rows } = await client.query('SHOW server_encoding');
    if (rows[0].server_encoding !== 'UTF8')
      throw new StartError(
        `DATABASE_URL names a database that cannot hold every text: create it with ENCODING 'UTF8'.`,
      );
  } finally {
    await client.end().catch(() => {});
  }
}

/** The server has no TLS, or admits this client only with or only without it. */
const isAboutTls = ({ code, message }: PgError) => /does not support SSL/.test(message) || code === '28000';

/** `uselibpqcompat` knows no mode for TLS without verification. */
const withSslMode = (url: string, mode: string) =>
  url.replace(/([?&])sslmode=\w+/, `$1sslmode=${mode}`).replace(/([?&])uselibpqcompat=\w+/, '$1');

function asStartError(error: PgError): StartError {
  if (error instanceof StartError) return error;
  const { code = '', message } = error;
  const [, sentence] = CAUSES.find(([pattern]) => pattern.test(code) || pattern.test(message)) ?? [];
  return new StartError(`DATABASE_URL ${sentence ?? `names a server that cannot be used (${code || error.name})`}.`);
}
