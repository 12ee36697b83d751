/** How long an answer is believed, in milliseconds: the longest that a process may go on with what another has changed. */
const TTL = 5_000;

/** Answers kept at most; past that all are read again, so that made-up keys cannot fill the memory. */
const MAX_KEYS = 10_000;

/**
 * Remembers answers for 5 s: for what must be known at every request and hardly ever changes. Keeps the question, not its
 * result, so that requests that arrive together ask once, and {@link delete} also drops an answer that is still under way.
 */
export class TtlCache<Key, Value> {
  private readonly answers = new Map<Key, { value: Promise<Value>; until: number }>();

  constructor(private readonly read: (key: Key) => Promise<Value>) {}

  /** What `read` says, at most 5 s old. */
  get(key: Key): Promise<Value> {
    const known = this.answers.get(key);
    if (known && known.until > Date.now()) return known.value;
    if (this.answers.size >= MAX_KEYS) this.answers.clear();
    const answer = { value: this.read(key), until: Date.now() + TTL };
    this.answers.set(key, answer);
    // A failure is no answer: the next one asks again. Who asked sees the failure itself.
    answer.value.catch(() => this.answers.get(key) === answer && this.answers.delete(key));
    return answer.value;
  }

  /** The next `get` reads again. Call it after the change is committed. */
  delete(key: Key): void {
    this.answers.delete(key);
  }
}
