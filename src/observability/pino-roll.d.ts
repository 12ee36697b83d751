declare module 'pino-roll' {
  import type { SonicBoom, SonicBoomOpts } from 'sonic-boom';

  interface Options extends Omit<SonicBoomOpts, 'dest' | 'fd'> {
    file: string;
    /** With its unit: `10m` is 10 MiB. */
    size: string;
    /** How many files stay when a new one begins, that one included. */
    limit: { count: number; removeOtherLogFiles: boolean };
  }

  /** A destination that begins a new numbered file when the present one is full. */
  export default function roll(options: Options): Promise<SonicBoom>;
}
