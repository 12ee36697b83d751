import { setTimeout } from 'node:timers/promises';

/** Waits until `look` returns something other than undefined, false or null, and returns that. Fails after `seconds`. */
export async function eventually<T>(look: () => Promise<T> | T, what: string, seconds = 15): Promise<NonNullable<T>> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${seconds} s in vain: ${what}`);
    await setTimeout(20);
  }
}
