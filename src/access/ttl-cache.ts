/** How long a value is used, in milliseconds: the longest that a process may work with what another has changed. */
const TTL_MS = 5_000;

/** Keys cached at most. When more are asked for, the cache is emptied, so that made-up keys cannot fill the memory. */
const MAX_KEYS = 10_000;

/**
 * Caches values for 5 s: for what every request needs and what rarely changes. Caches the promise, so concurrent callers
 * share one read, and {@link delete} also drops a read that has not finished.
 */
export class TtlCache<Key, Value> {
  private readonly entries = new Map<Key, { value: Promise<Value>; until: number }>();

  constructor(private readonly read: (key: Key) => Promise<Value>) {}

  /** The value that `read` returned, at most 5 s ago. By the monotonic clock: setting back the wall clock keeps nothing longer. */
  get(key: Key): Promise<Value> {
    const cached = this.entries.get(key);
    if (cached && cached.until > performance.now()) return cached.value;
    if (this.entries.size >= MAX_KEYS) this.entries.clear();
    const entry = { value: this.read(key), until: performance.now() + TTL_MS };
    this.entries.set(key, entry);
    // A failure is not cached. The callers who wait for it see it.
    entry.value.catch(() => this.entries.get(key) === entry && this.entries.delete(key));
    return entry.value;
  }

  /** The next `get` reads again. Call it after the change is committed. */
  delete(key: Key): void {
    this.entries.delete(key);
  }
}
