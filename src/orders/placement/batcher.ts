import { unavailable } from '../../errors/database-errors';

/** Batches that work at the same time: while one waits for its commit, the other computes. */
const CONCURRENCY = 2;

/** Time after which a batch is taken to wait for a lock rather than to work; its slot is then free again. */
const SLOW_BATCH_MS = 100;

/** Items in one batch at most: a statement holds its rows for as long as it runs. */
const MAX_BATCH_SIZE = 32;

/** Batches with one key that run at the same time, slow ones included. Further items with that key stay in the queue. */
const MAX_BATCHES_PER_KEY = 3;

/** Items with one key that the queue holds while so many batches with it run. */
const MAX_HELD_PER_KEY = 100;

/** Time after which an item of the queue is refused: its client is about to give up. */
const MAX_WAIT_MS = 3_000;

/** An item on its way, and how its submitter learns what became of it. */
export interface Submission<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/** What a batcher does with its items. */
export interface BatcherOptions<Item, Result> {
  /** Settles each submission of a batch, and never rejects. */
  run: (batch: Submission<Item, Result>[]) => Promise<void>;
  /** Names what an item locks: items with a key in common may wait for each other. */
  keysOf: (item: Item) => string[];
  /** Batches that run at the same time at most, slow ones included: each holds a connection. */
  maxRunning: number;
}

interface Queued<Item, Result> extends Submission<Item, Result> {
  keys: string[];
  since: number;
}

/**
 * Runs items in batches. There is no batching delay: an item starts at once while fewer than {@link CONCURRENCY} batches
 * work, and items that arrive meanwhile form the next batch. A locked key holds up only items with that key.
 */
export class Batcher<Item, Result> {
  private queue: Queued<Item, Result>[] = [];
  private working = 0;
  private running = 0;
  private readonly runningPerKey = new Map<string, number>();

  constructor(private readonly options: BatcherOptions<Item, Result>) {}

  /** Adds an item to the next batch; settles as `run` settles it. Errors: UNAVAILABLE when too many wait for one of its keys. */
  submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      const keys = [...new Set(this.options.keysOf(item))];
      if (keys.some((key) => this.isBusy(key) && this.heldFor(key) >= MAX_HELD_PER_KEY)) return reject(unavailable());
      this.queue.push({ item, keys, since: performance.now(), resolve, reject });
      this.startBatches();
    });
  }

  private startBatches(): void {
    while (this.working < CONCURRENCY && this.running < this.options.maxRunning) {
      const batch = this.takeBatch();
      if (batch.length === 0) return;
      const free = this.occupySlot(batch.flatMap(({ keys }) => keys));
      void this.options.run(batch).finally(free);
    }
  }

  /** The oldest items of the queue without a busy key. Refuses those that have waited too long. */
  private takeBatch(): Queued<Item, Result>[] {
    const batch: Queued<Item, Result>[] = [];
    const oldest = performance.now() - MAX_WAIT_MS;
    this.queue = this.queue.filter((queued) => {
      if (queued.since < oldest) queued.reject(unavailable());
      else if (batch.length === MAX_BATCH_SIZE || queued.keys.some((key) => this.isBusy(key))) return true;
      else batch.push(queued);
      return false;
    });
    return batch;
  }

  /** Returns the function to call when the batch is done. The slot of a slow batch frees itself before. */
  private occupySlot(keys: string[]): () => void {
    const distinct = new Set(keys);
    this.working++;
    this.running++;
    for (const key of distinct) this.countRunning(key, 1);
    let occupied = true;
    const freeSlot = () => {
      if (occupied) this.working--;
      occupied = false;
      this.startBatches();
    };
    const slow = setTimeout(freeSlot, SLOW_BATCH_MS);
    return () => {
      clearTimeout(slow);
      this.running--;
      for (const key of distinct) this.countRunning(key, -1);
      freeSlot();
    };
  }

  private countRunning(key: string, change: number): void {
    const count = (this.runningPerKey.get(key) ?? 0) + change;
    if (count === 0) this.runningPerKey.delete(key);
    else this.runningPerKey.set(key, count);
  }

  private isBusy(key: string): boolean {
    return (this.runningPerKey.get(key) ?? 0) >= MAX_BATCHES_PER_KEY;
  }

  private heldFor(key: string): number {
    return this.queue.filter(({ keys }) => keys.includes(key)).length;
  }
}
