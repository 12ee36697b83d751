import autocannon, { type Request } from 'autocannon';

/** Keep-alive connections that ask at the same time. */
export const CONNECTIONS = 16;

/** How long each measurement takes. */
export const SECONDS = Number(process.env.BENCH_SECONDS ?? 10);

/** Requests a second, and what must be 0: answers other than 2xx, and errors. */
export interface Load {
  perSecond: number;
  answered: number;
  failed: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/** Sends requests over `connections` keep-alive connections for `seconds`; at most `rate` a second if it is given. */
export async function load(
  url: string,
  request: Request,
  connections: number,
  seconds: number,
  rate?: number,
): Promise<Load> {
  const pace = rate === undefined ? {} : { overallRate: rate };
  const result = await autocannon({ url, connections, duration: seconds, requests: [request], ...pace });
  return {
    perSecond: result['2xx'] / result.duration,
    answered: result['2xx'],
    failed: result.non2xx + result.errors + result.timeouts,
    p50: result.latency.p50,
    p99: result.latency.p99,
  };
}

const median = (numbers: number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

export { median };
