import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type Service, startService } from '../support/service';
import type { Journal } from './journal';

/** Starts in a row that may fail, because the database is away; half a second apart. */
const STARTS = 60;

/** The place of one process. A process that ends there is replaced, as by a supervisor. */
export class Slot {
  private service: Service | undefined;
  private generation = 0;
  private armed: string | undefined;
  private starting = Promise.resolve();
  private removed = false;
  /** Holds by how many milliseconds the wall clock of the process is wrong. */
  private readonly clock = join(mkdtempSync(join(tmpdir(), 'chaos-clock-')), 'offset');
  /** A process serves here, and nothing has been done to it. */
  up = false;
  /** The process has been asked to end and must answer what it has taken. */
  draining = false;

  constructor(
    readonly role: 'api' | 'worker',
    private readonly number: number,
    private readonly build: string,
    private readonly settings: NodeJS.ProcessEnv,
    private readonly journal: Journal,
  ) {
    writeFileSync(this.clock, '0');
  }

  /** Of this process and of no other; its mails come from it. */
  get name(): string {
    return `${this.role}-${this.number}-${this.generation}`;
  }

  get origin(): string {
    return (this.service as Service).origin;
  }

  get anonymous() {
    return (this.service as Service).anonymous;
  }

  /** Starts a process, and tries again while it cannot. */
  start(failpoint?: string): Promise<void> {
    this.armed = failpoint;
    this.starting = this.tryToStart();
    return this.starting;
  }

  private async tryToStart(): Promise<void> {
    for (let start = 1; !this.up && !this.removed; start++) {
      this.generation++;
      try {
        this.service = await this.launch();
        this.up = true;
        this.watch(this.service);
      } catch (error) {
        // An armed one may be dead before it is up; any other one only when the database is away.
        if (this.armed) this.diedAtFailpoint();
        else if (start === STARTS)
          return this.journal.fail(`${this.name}: ${(error as Error).message.slice(0, 2_000)}`);
        await setTimeout(500);
      }
    }
  }

  private launch(): Promise<Service> {
    return startService(this.build, {
      ...this.settings,
      SERVICE_ROLE: this.role,
      MAIL_FROM: `${this.name}@example.com`,
      NODE_OPTIONS: `--import ${pathToFileURL(require.resolve('./clock'))}`,
      CHAOS_CLOCK: this.clock,
      ...(this.armed && { FAILPOINT: this.armed }),
    });
  }

  private diedAtFailpoint(): void {
    this.journal.count(`killed at ${this.armed?.split(':')[0]}`);
    this.journal.mishap(this.name);
    this.armed = undefined;
  }

  /** A death that no fault has brought about is one at a failpoint, or the very thing that must not happen. */
  private watch(service: Service): void {
    void service.ended.then((code) => {
      this.journal.lateResults += service.output().split('result dropped').length - 1;
      if (!this.up || service !== this.service) return;
      this.up = false;
      if (this.armed && code === null) this.diedAtFailpoint();
      else this.journal.fail(`${this.name} ended by itself with ${code}: ${service.output().slice(-2_000)}`);
      void this.start();
    });
  }

  /** Kills the process as a power cut does. */
  async kill(): Promise<void> {
    this.up = false;
    this.journal.mishap(this.name);
    await this.service?.kill();
    void this.start();
  }

  /** Ends the process as an operator does. It gives up with exit code 1 when it is not through with everything after 10 s. */
  async terminate(): Promise<void> {
    const service = this.service as Service;
    this.up = false;
    this.draining = true;
    this.journal.mishap(this.name);
    const asked = performance.now();
    const code = await service.terminate();
    this.draining = false;
    const took = Math.round(performance.now() - asked);
    this.journal.slowestDrain = Math.max(this.journal.slowestDrain, took);
    if (code !== 0) {
      this.journal.fail(`${this.name} ended ${took} ms after SIGTERM with ${code}: ${service.output().slice(-2_000)}`);
    }
  }

  /** Stops the process in the middle of whatever it does, and lets it go on after so many milliseconds. */
  async stall(milliseconds: number): Promise<void> {
    const service = this.service as Service;
    this.up = false;
    service.signal('SIGSTOP');
    await this.journal.during(setTimeout(milliseconds));
    service.signal('SIGCONT');
    this.up = true;
  }

  /** Has the wall clock of the process, and of those that take its place, wrong for so many milliseconds. */
  async setClock(offset: number, milliseconds: number): Promise<void> {
    writeFileSync(this.clock, String(offset));
    await setTimeout(milliseconds);
    if (!this.removed) writeFileSync(this.clock, '0');
  }

  /** Ends the process and starts no other. */
  async remove(): Promise<void> {
    this.removed = true;
    await this.starting;
    this.up = false;
    await this.service?.kill();
    rmSync(dirname(this.clock), { recursive: true });
  }
}
