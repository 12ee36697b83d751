import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ClientBase } from 'pg';

/** The parts of a pg connection that say whether it is waiting for the server; not in its types. */
export interface Wire {
  connection: EventEmitter & { stream: Socket };
  readyForQuery: boolean;
}

/**
 * For the `onConnect` of a pool: a connection on which the server says nothing for so many milliseconds, although it was
 * asked, is destroyed. The client's own `query_timeout` would let it go back into the pool, and its next borrower
 * would wait as long again, or forever when the address has moved.
 */
export const destroyOnReadTimeout = (milliseconds: number) => (client: ClientBase) => {
  const wire = client as unknown as Wire;
  const { stream } = wire.connection;
  stream.setTimeout(milliseconds);
  // A listener handed to setTimeout would hear the first silence only, which most often is that of an idle connection.
  stream.on('timeout', () => {
    if (!wire.readyForQuery) stream.destroy();
  });
};
