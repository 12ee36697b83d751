import { FAILPOINTS, type Failpoint } from '../../src/config/failpoint';
import { random } from '../support/random';

/** Everything that a run does to the service. What is armed dies by itself, at a point of the code that has a name. */
export const FAULTS = [
  'worker killed',
  'API killed',
  'worker replaced',
  'API replaced',
  'worker stalled',
  'connections ended',
  'database restarted',
  'database crashed',
  'database away',
  'database slow',
  'database silent',
  'database failed over',
  'rows locked',
  'timers in the future',
  'API clock jumps',
  'worker clock jumps',
] as const;
export type Fault = (typeof FAULTS)[number];

/** One fault: so many milliseconds after the last one, against the target of this number, and what decides the rest. */
export interface Step {
  fault: Fault;
  after: number;
  target: number;
  /** From 0 to 1. */
  chance: number;
  /** Where the process that takes the place of a replaced one dies. */
  failpoint: string;
}

/** What a run is made of; the same seed makes the same plan. */
export interface Size {
  seed: number;
  seconds: number;
  ordersPerSecond: number;
  faults: Partial<Record<Fault, number>>;
}

/** How many of each fault a minute of a long run sees. */
const PER_MINUTE: Record<Fault, number> = {
  'worker killed': 14,
  'API killed': 5,
  'worker replaced': 2.5,
  'API replaced': 1,
  'worker stalled': 0.5,
  'connections ended': 2,
  'database restarted': 0.25,
  'database crashed': 0.25,
  'database away': 0.2,
  'database slow': 0.3,
  'database silent': 0.2,
  'database failed over': 0.5,
  'rows locked': 1,
  'timers in the future': 0.5,
  'API clock jumps': 0.5,
  'worker clock jumps': 1,
};

/** A run of so many minutes. */
export function longRun(seed: number, minutes: number): Size {
  const faults = Object.fromEntries(FAULTS.map((fault) => [fault, Math.ceil(PER_MINUTE[fault] * minutes)]));
  return { seed, seconds: minutes * 60, ordersPerSecond: 15, faults };
}

/** The faults of a run, shuffled, and at irregular distances that fill its time. */
export function planOf({ seed, seconds, faults }: Size): Step[] {
  const next = random(seed);
  const points = { API: ['order-placed'], worker: FAILPOINTS.filter((point) => point !== 'order-placed') };
  const pick = (names: string[]) => names[Math.floor(next() * names.length)] as Failpoint;
  const all = FAULTS.flatMap((fault) => Array.from({ length: faults[fault] ?? 0 }, () => ({ fault, order: next() })));
  return all
    .sort((a, b) => a.order - b.order)
    .map(({ fault }) => ({
      fault,
      after: ((seconds * 1000) / all.length) * (0.5 + next()),
      target: Math.floor(next() * 1_000),
      chance: next(),
      failpoint: `${pick(fault.startsWith('API') ? points.API : points.worker)}:${1 + Math.floor(next() * 10)}`,
    }));
}
