import type { LoggerService } from '@nestjs/common';
import pino, { type Level, type Logger, type LoggerOptions } from 'pino';
import { openLogFile, openStdout } from './log-output';
import { readableStdout } from './readable-log';

/** Fields that are masked, at the first two levels of a logged object. */
const SECRETS = ['password', 'password_hash', 'token', 'refresh_token', 'client_secret', 'authorization', 'cookie'];

/** How and where {@link createLogger} writes. */
export interface LogOptions {
  /** The least severe level that is written. */
  level: string;
  /** Also written there, see {@link openLogFile}. */
  file: string | undefined;
  /** Readable lines instead of JSON on stdout, when the package for it is installed; for a terminal in development. */
  readable?: boolean;
}

/** The process's logger: one JSON object a line on stdout and in `file`; times in ISO 8601, secrets masked. */
export async function createLogger({ level, file, readable }: LogOptions): Promise<Logger> {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  };
  const stdout = (readable && (await readableStdout())) || openStdout();
  if (!file) return pino(options, stdout);
  const streams = [stdout, await openLogFile(file)];
  // The logger has filtered by level already.
  return pino(options, pino.multistream(streams.map((stream) => ({ stream, level: 'trace' }))));
}

/** Contexts in which Nest logs its own wiring, which is written at `debug`. */
const WIRING = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication']);

/** Writes what is logged through Nest's `Logger` with pino. An object becomes fields, a text the message. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log = (message: unknown, ...rest: unknown[]) =>
    this.write(WIRING.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  error = (message: unknown, ...rest: unknown[]) => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]) => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]) => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]) => this.write('trace', message, rest);
  fatal = (message: unknown, ...rest: unknown[]) => this.write('fatal', message, rest);

  /** Nest passes the context last. A text before it is the stack or, after an object, the message. */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    const context = rest.at(-1);
    const between = rest.slice(0, -1).find((value) => typeof value === 'string');
    if (typeof message === 'object' && message !== null) this.logger[level]({ context, ...message }, between as string);
    else this.logger[level]({ context, ...(between ? { stack: between } : {}) }, String(message));
  }
}
