/** A moment at which a mail may have gone out without its mark. */
export interface Mishap {
  /** The process that it happened to; all of them without. */
  process?: string;
  from: number;
  to: number;
}

/** What a run has done, and what it saw that must not be. */
export class Journal {
  readonly faults: Record<string, number> = {};
  readonly mishaps: Mishap[] = [];
  readonly failures: string[] = [];
  /** Results that came after another worker had taken the order over. */
  lateResults = 0;
  /** The longest that a process took to end after SIGTERM, in milliseconds. */
  slowestDrain = 0;

  count(fault: string): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }

  mishap(process: string): void {
    this.mishaps.push({ process, from: Date.now(), to: Date.now() });
  }

  /** Notes the time that `trouble` takes as one in which anything may have been cut off. */
  async during(trouble: Promise<void>): Promise<void> {
    const mishap = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.mishaps.push(mishap);
    await trouble;
    mishap.to = Date.now();
  }

  fail(what: string): void {
    this.failures.push(what);
  }
}
