import type { LoggerService } from '@nestjs/common';
import pino, { type Level, type Logger, type LoggerOptions } from 'pino';
import { rotatedFile } from './rotated-file';

/** What never reaches the log, wherever it stands in a logged object. */
const SECRETS = ['password', 'password_hash', 'token', 'refresh_token', 'client_secret', 'authorization', 'cookie'];

/** The process's logger: one JSON object a line on stdout and, rotated, in `file`; times in ISO 8601, secrets masked. */
export function createLogger(level: string, file?: string): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  };
  if (!file) return pino(options);
  const streams = [pino.destination(1), rotatedFile(file)];
  // The logger has filtered by level already.
  return pino(options, pino.multistream(streams.map((stream) => ({ stream, level: 'trace' }))));
}

/** What Nest tells about its own wiring; of use to whoever debugs it only. */
const WIRING = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication']);

/** Lets Nest and everything that uses Nest's `Logger` write through pino. Objects become fields, text the message. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log = (message: unknown, ...rest: unknown[]) =>
    this.write(WIRING.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  error = (message: unknown, ...rest: unknown[]) => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]) => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]) => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]) => this.write('trace', message, rest);
  fatal = (message: unknown, ...rest: unknown[]) => this.write('fatal', message, rest);

  /** Nest passes the context last; what stands between is a stack or, for objects, the message. */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    const context = rest.at(-1);
    const between = rest.slice(0, -1).find((value) => typeof value === 'string');
    if (typeof message === 'object' && message !== null) this.logger[level]({ context, ...message }, between as string);
    else this.logger[level]({ context, ...(between ? { stack: between } : {}) }, String(message));
  }
}
