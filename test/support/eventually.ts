import { setTimeout } from 'node:timers/promises';

/** Waits until `look` returns something other than undefined, false or null, and returns that. Fails after `seconds`. */
export async function eventually<T>(look: () => Promise<T> | T, what: string, seconds = 40): Promise<NonNullable<T>> {
  const began = Date.now();
  for (;;) {
    const found = await look();
    if (found) return found;
    const waited = Date.now() - began;
    if (waited > seconds * 1000) throw new Error(`Waited ${seconds} s in vain: ${what}`);
    // What takes long is looked at more seldom: looking costs those who are waited for their processor.
    await setTimeout(Math.min(20 + waited / 20, 200));
  }
}
