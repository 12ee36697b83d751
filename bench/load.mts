import autocannon, { type Request } from 'autocannon';

/** Requests a second, and what must be 0: answers other than 2xx, and errors. */
export interface Load {
  perSecond: number;
  failed: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/** Sends requests over `connections` keep-alive connections for `seconds`. */
export async function load(url: string, request: Request, connections: number, seconds: number): Promise<Load> {
  const result = await autocannon({ url, connections, duration: seconds, requests: [request] });
  return {
    perSecond: result['2xx'] / result.duration,
    failed: result.non2xx + result.errors + result.timeouts,
    p50: result.latency.p50,
    p99: result.latency.p99,
  };
}

const median = (numbers: number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

export { median };
