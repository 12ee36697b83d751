import { BooleanField, EmailField, EnumField, IntegerField, TextField } from '../http/dto/fields';
import { CURRENCIES } from './currencies';
import { FAILPOINTS } from './failpoint';

const optional = { optional: true };
const parsed = { ...optional, fromText: true };

/**
 * Every setting, under the name of its environment variable, with its default. Only `load.ts` fills it.
 * `.env.example` and the README's table are checked against this class.
 */
export class Config {
  @EnumField({ description: 'What the process is for.', values: ['development', 'test', 'production'], ...optional })
  NODE_ENV: 'development' | 'test' | 'production' = 'development';

  @EnumField({
    description: 'Whether this process answers requests, processes orders, or both.',
    values: ['all', 'api', 'worker'],
    ...optional,
  })
  SERVICE_ROLE: 'all' | 'api' | 'worker' = 'all';

  @TextField({ description: 'Address to listen on.', max: 255, ...optional })
  APP_HOST = '0.0.0.0';

  @IntegerField({
    description: 'Port to listen on; 0 takes a free one. `PORT` is taken too.',
    min: 0,
    max: 65_535,
    ...parsed,
  })
  APP_PORT = 8000;

  @IntegerField({
    description:
      'Seconds after SIGTERM in which the process still serves but is not ready, so that load balancers notice.',
    min: 0,
    max: 300,
    ...parsed,
  })
  SHUTDOWN_DELAY_SECONDS = 0;

  @IntegerField({
    description: 'Seconds for which an idle connection is kept: longer than the load balancer in front does.',
    min: 1,
    max: 3_600,
    ...parsed,
  })
  KEEP_ALIVE_SECONDS = 65;

  @TextField({ description: 'Folder for the embedded database and other local files.', max: 4096, ...optional })
  DATA_DIR = '.data';

  @TextField({
    description: 'The PostgreSQL to use. Without it, development starts an embedded one.',
    max: 4096,
    pattern: /^postgres(ql)?:\/\//,
    patternHint: 'must start with postgres://',
    ...optional,
  })
  DATABASE_URL?: string;

  @IntegerField({
    description: 'Connections of one process to PostgreSQL, without the 4 of the queue.',
    min: 2,
    max: 200,
    ...parsed,
  })
  DATABASE_POOL_SIZE = 16;

  @TextField({
    description: 'Signs the tokens; at least 32 random bytes, the same in every process.',
    min: 32,
    max: 1024,
    ...optional,
  })
  SECRET_KEY?: string;

  @IntegerField({ description: 'Minutes until an access token expires.', min: 1, max: 1440, ...parsed })
  ACCESS_TOKEN_EXPIRE_MINUTES = 15;

  @EmailField({ description: 'E-mail of the first admin, created when there is no admin yet.', ...optional })
  ADMIN_EMAIL?: string;

  @TextField({ description: 'Password of the first admin.', min: 8, max: 128, ...optional })
  ADMIN_PASSWORD?: string;

  @EnumField({
    description: 'What a password must have: `complex` asks for upper and lower case, a digit and another character.',
    values: ['default', 'complex'],
    ...optional,
  })
  PASSWORD_POLICY: 'default' | 'complex' = 'default';

  @EnumField({
    description:
      'Whether users must confirm their e-mail before they order. An address that is not confirmed gets 5 mails a day at most.',
    values: ['optional', 'required'],
    ...optional,
  })
  EMAIL_CONFIRMATION: 'optional' | 'required' = 'optional';

  @TextField({
    description: 'ISO 4217 code of the one currency of this deployment.',
    max: 3,
    pattern: new RegExp(`^(${CURRENCIES.join('|')})$`),
    patternHint: 'must be an ISO 4217 code in capital letters, such as EUR',
    ...optional,
  })
  CURRENCY = 'USD';

  @IntegerField({ description: 'Seconds between two sweeps for due orders.', min: 1, max: 86_400, ...parsed })
  PROCESSING_INTERVAL_SECONDS = 120;

  @IntegerField({ description: 'Orders that one process works on at a time.', min: 1, max: 256, ...parsed })
  PROCESSING_CONCURRENCY = 8;

  @IntegerField({
    description: 'Milliseconds that the simulated gateway takes for an order.',
    min: 0,
    max: 30_000,
    ...parsed,
  })
  PROCESSING_DURATION_MS = 2000;

  @IntegerField({ description: 'Attempts after which an order is failed.', min: 1, max: 100, ...parsed })
  PROCESSING_MAX_ATTEMPTS = 5;

  @IntegerField({ description: 'Days for which the event log keeps events.', min: 7, max: 365, ...parsed })
  EVENTS_RETENTION_DAYS = 30;

  @IntegerField({ description: 'Event streams that one process serves at a time.', min: 1, max: 10_000, ...parsed })
  EVENT_STREAMS = 500;

  @IntegerField({
    description: 'Event streams that one user or API client may have open at one process.',
    min: 1,
    max: 10_000,
    ...parsed,
  })
  EVENT_STREAMS_PER_PRINCIPAL = 5;

  @IntegerField({
    description: 'Requests in a window of one user, one API client, or one address before login.',
    min: 1,
    max: 1_000_000_000,
    ...parsed,
  })
  RATE_LIMIT_REQUESTS = 300;

  @IntegerField({ description: 'Seconds of that window.', min: 1, max: 86_400, ...parsed })
  RATE_LIMIT_WINDOW = 60;

  @IntegerField({
    description: 'Attempts to log in, register, reset or change a password that an address has in a window.',
    min: 1,
    max: 1_000_000_000,
    ...parsed,
  })
  AUTH_RATE_LIMIT_REQUESTS = 5;

  @TextField({
    description: 'The Redis in which several processes count together; without it each counts by itself.',
    max: 4096,
    pattern: /^rediss?:\/\/[^/?#\s]/,
    patternHint: 'must start with redis:// or rediss:// and name a host',
    ...optional,
  })
  REDIS_URL?: string;

  @TextField({
    description: 'Proxies whose X-Forwarded-For is believed, as addresses or CIDRs separated by commas.',
    max: 4096,
    ...optional,
  })
  TRUSTED_PROXIES?: string;

  @TextField({
    description: 'Origins whose pages may call the API, such as https://shop.example.com, separated by commas.',
    max: 4096,
    ...optional,
  })
  CORS_ORIGINS?: string;

  @TextField({ description: 'When set, /metrics asks for it as a bearer token.', min: 16, max: 1024, ...optional })
  METRICS_TOKEN?: string;

  @TextField({
    description:
      'Also write the log to files beside this path, one path for each process: `orders.1.log`, at 10 MiB `orders.2.log`, and so on for `orders.log`, which links to the newest. At most five are kept.',
    max: 4096,
    ...optional,
  })
  LOG_FILE?: string;

  @EnumField({
    description: 'Who processes orders: a simulation, or your fulfillment service over HTTP.',
    values: ['simulated', 'http'],
    ...optional,
  })
  GATEWAY: 'simulated' | 'http' = 'simulated';

  @TextField({
    description: 'The address of your fulfillment service, for GATEWAY=http.',
    max: 4096,
    pattern: /^https?:\/\/[^/?#\s]/,
    patternHint: 'must start with http:// or https:// and name a host',
    ...optional,
  })
  GATEWAY_URL?: string;

  @TextField({
    description: 'Signs what is sent to GATEWAY_URL; at least 32 random bytes.',
    min: 32,
    max: 1024,
    ...optional,
  })
  GATEWAY_SECRET?: string;

  @IntegerField({
    description:
      'Milliseconds for one call of GATEWAY_URL. The lease of a worker on its order is longer than the maximum.',
    min: 1,
    max: 30_000,
    ...parsed,
  })
  GATEWAY_TIMEOUT_MS = 10_000;

  @TextField({
    description: 'The mail server, as smtp://user:password@host:port, or smtps:// for TLS from the start.',
    max: 4096,
    pattern: /^smtps?:\/\/[^/?#\s]/,
    patternHint: 'must start with smtp:// or smtps:// and name a host',
    ...optional,
  })
  SMTP_URL?: string;

  @TextField({ description: 'The mail server, if not given as SMTP_URL.', max: 255, ...optional })
  MAIL_SERVER?: string;

  @IntegerField({ description: 'Port of MAIL_SERVER; 465 means TLS from the start.', min: 1, max: 65_535, ...parsed })
  MAIL_PORT = 587;

  @TextField({ description: 'User name at MAIL_SERVER.', max: 255, ...optional })
  MAIL_USERNAME?: string;

  @TextField({ description: 'Password at MAIL_SERVER.', max: 1024, ...optional })
  MAIL_PASSWORD?: string;

  @TextField({
    description: 'Sender of all mails: orders@example.com, or Example Shop <orders@example.com>.',
    max: 320,
    pattern: /^([^<>\p{Cc}]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/u,
    patternHint: 'must be an e-mail address, or a name with the address in angle brackets',
    ...optional,
  })
  MAIL_FROM = 'Orders <orders@localhost>';

  @TextField({
    description:
      'Address of the site that customers use; links in mails begin with it. Without it, mails have no links.',
    max: 2048,
    pattern: /^https?:\/\/[^/?#\s]+[^?#\s]*$/,
    patternHint: 'must be an http or https address without a query',
    ...optional,
  })
  PUBLIC_URL?: string;

  @EnumField({
    description: 'Least severe log lines that are written.',
    values: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    ...optional,
  })
  LOG_LEVEL = 'info';

  @BooleanField({
    description: 'Fill an empty catalogue with a few products. Without a value: outside production.',
    ...parsed,
  })
  DEMO_DATA?: boolean;

  @BooleanField({
    description: 'Serve /docs, /redoc and /openapi.json. Without a value: outside production.',
    ...parsed,
  })
  DOCS_ENABLED?: boolean;
  @TextField({
    description: 'For experiments, refused in production: kills the process at the n-th pass of a point, as name:n.',
    max: 50,
    pattern: new RegExp(`^(${FAILPOINTS.join('|')}):[1-9]\\d{0,5}$`),
    patternHint: `must be one of ${FAILPOINTS.join(', ')}, a colon and the number of the pass`,
    ...optional,
  })
  FAILPOINT?: string;

  /** True outside production. */
  get isDevelopment(): boolean {
    return this.NODE_ENV !== 'production';
  }
}

/** The items of a setting that is a list separated by commas. */
export const listOf = (setting: string | undefined): string[] =>
  (setting ?? '').split(',').flatMap((part) => part.trim() || []);
