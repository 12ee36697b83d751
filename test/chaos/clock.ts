/** Loaded into each process before the service: its wall clock is wrong by the milliseconds in the file `CHAOS_CLOCK`. */
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 100;

let offset = 0;
setInterval(() => {
  offset = Number(readFileSync(process.env.CHAOS_CLOCK as string, 'utf8'));
}, LOOK_EVERY_MS).unref();

const now = Date.now;
globalThis.Date = new Proxy(Date, {
  construct: (date, args, self) => Reflect.construct(date, args.length > 0 ? args : [now() + offset], self),
  get: (date, name, self) => (name === 'now' ? () => now() + offset : Reflect.get(date, name, self)),
});
