import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { unavailable } from '../errors/database-errors';

/** Calls that wait for one share at most. */
const MAX_WAITING = 200;

/** How long a call waits for its share: as long as for a connection. */
const MAX_WAIT_MS = 1_500;

/** A part of the connection pool: so many calls run at the same time, and the others wait in the order they came. */
class Share {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly size: number) {}

  /** Runs `work` when there is room. Errors: UNAVAILABLE when too many wait, or for too long. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.size) this.running++;
    else await this.wait();
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // Whoever is next takes over this place.
      if (next) next();
      else this.running--;
    }
  }

  private wait(): Promise<void> {
    if (this.waiting.length >= MAX_WAITING) throw unavailable();
    return new Promise((resolve, reject) => {
      const go = () => {
        clearTimeout(late);
        resolve();
      };
      const late = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(go), 1);
        reject(unavailable());
      }, MAX_WAIT_MS);
      this.waiting.push(go);
    });
  }
}

/**
 * Keeps kinds of work that may take long from holding all connections: half of the pool each. Lists may read much, and a change
 * may wait for a lock; everything else finds a connection at once. A share must not be used inside its own `run`.
 */
@Injectable()
export class ConnectionShares {
  readonly lists: Share;
  readonly changes: Share;

  constructor({ DATABASE_POOL_SIZE }: Config) {
    const half = Math.max(1, Math.floor(DATABASE_POOL_SIZE / 2));
    this.lists = new Share(half);
    this.changes = new Share(half);
  }
}
