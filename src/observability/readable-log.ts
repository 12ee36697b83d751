import type { DestinationStream } from 'pino';
import { openStdout } from './log-output';

/** What {@link textOf} shows, so that it is not repeated as an object. */
const SHOWN = ['context', 'method', 'route', 'operation', 'status', 'outcome', 'duration_ms', 'actor', 'request_id'];

/** Lines for people on stdout, written by pino-pretty; undefined where this development dependency is not installed. */
export async function readableStdout(): Promise<DestinationStream | undefined> {
  const pretty = await import('pino-pretty').catch(() => undefined);
  return pretty?.default({
    destination: openStdout(),
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
    ignore: SHOWN.join(','),
    messageFormat: textOf,
  });
}

/** `request: GET /api/v1/orders 200 user:7 (12 ms)` for a request, and the like for an operation or a message. */
function textOf(line: Record<string, unknown>): string {
  const { context, method, route, operation, status, outcome, actor, msg, duration_ms: duration } = line;
  const time = duration === undefined ? undefined : `(${duration} ms)`;
  const words = [method, route, operation, status, outcome, actor, msg, time].filter((word) => word !== undefined);
  return `${context}: ${words.join(' ')}`;
}
