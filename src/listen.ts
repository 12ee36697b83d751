import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from './config/config';
import { StartError } from './errors/start-error';

/** What to change, by the code of the error. */
const CAUSES: Record<string, string> = {
  EADDRINUSE: 'APP_PORT is taken: stop the process that listens there, or set another port (0 takes a free one).',
  EACCES: 'APP_PORT needs privileges that this process lacks: set a port above 1023.',
  EADDRNOTAVAIL: 'APP_HOST is not an address of this machine: set 0.0.0.0 for all of them.',
  ENOTFOUND: 'APP_HOST cannot be resolved: set an address of this machine, such as 0.0.0.0.',
};

/** Has `listen` open the port. Throws a {@link StartError} that says what to change when it cannot. */
export async function listening(listen: () => Promise<unknown>): Promise<void> {
  try {
    await listen();
  } catch (error) {
    const cause = CAUSES[(error as NodeJS.ErrnoException).code ?? ''];
    throw cause ? new StartError(cause) : error;
  }
}

/** Opens the port for a moment: a taken one is reported before a database is started. Throws a {@link StartError}. */
export const assertPortFree = ({ APP_PORT, APP_HOST }: Config): Promise<void> =>
  listening(async () => {
    const probe = createServer().listen(APP_PORT, APP_HOST);
    await once(probe, 'listening');
    await new Promise((closed) => probe.close(closed));
  });
