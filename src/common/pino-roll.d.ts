declare module 'pino-roll' {
  import type { DestinationStream } from 'pino';

  /** A file that starts anew at `size`; besides the present one `limit.count` old ones are kept. */
  export default function roll(options: {
    file: string;
    size: string;
    limit: { count: number };
    mkdir: boolean;
  }): Promise<DestinationStream>;
}
