import { DomainError } from '../errors/domain-error';

/** Lets work run one at a time, in the order in which it came. What comes while too many wait is refused. */
export class Turns {
  private running = false;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly maxWaiting: number) {}

  /** Errors: UNAVAILABLE when too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting.length >= this.maxWaiting) {
      throw new DomainError('UNAVAILABLE', 'Too many passwords are being checked just now. Try again shortly.');
    }
    if (this.running) await new Promise<void>((go) => this.waiting.push(go));
    this.running = true;
    try {
      return await work();
    } finally {
      // The turn is handed to the next in line, so that nobody comes in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.running = false;
    }
  }
}
