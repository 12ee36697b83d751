/** Batches that run at the same time: while one waits for its commit, the other computes. */
const CONCURRENCY = 2;

/** Milliseconds after which a batch is taken to wait for a lock rather than to work; its slot is then free again. */
const SLOW_BATCH_MS = 100;

/** Items in one batch at most: a statement holds its rows for as long as it runs. */
const MAX_BATCH_SIZE = 32;

/** An item on its way, and how its submitter learns what became of it. */
export interface Submission<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Runs items in batches. There is no batching delay: an item starts at once while fewer than {@link CONCURRENCY} batches
 * are in flight, and items that arrive meanwhile form the next batch.
 */
export class Batcher<Item, Result> {
  private readonly queue: Submission<Item, Result>[] = [];
  private inFlight = 0;

  /** `run` settles each submission of a batch, and never rejects. */
  constructor(private readonly run: (batch: Submission<Item, Result>[]) => Promise<void>) {}

  /** Adds an item to the next batch; settles as `run` settles it. */
  submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject });
      this.startBatches();
    });
  }

  private startBatches(): void {
    while (this.inFlight < CONCURRENCY && this.queue.length > 0) {
      const batch = this.queue.splice(0, MAX_BATCH_SIZE);
      void this.run(batch).finally(this.occupySlot());
    }
  }

  /** Returns the function that frees the slot. The slot of a slow batch frees itself: a locked product must not hold up others. */
  private occupySlot(): () => void {
    this.inFlight++;
    let occupied = true;
    const free = () => {
      clearTimeout(slow);
      if (!occupied) return;
      occupied = false;
      this.inFlight--;
      this.startBatches();
    };
    const slow = setTimeout(free, SLOW_BATCH_MS);
    return free;
  }
}
