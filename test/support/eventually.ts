import { setTimeout } from 'node:timers/promises';

/**
 * Seconds after which a condition counts as never met. No assertion: a busy machine may take many times longer than an idle
 * one. `npm run guards` shortens it, because there most conditions are never met on purpose.
 */
const PATIENCE_SECONDS = Number(process.env.TEST_PATIENCE_SECONDS ?? 240);

/** Waits until `look` returns something other than undefined, false or null, and returns that. Fails after `seconds`. */
export async function eventually<T>(
  look: () => Promise<T> | T,
  what: string,
  seconds = PATIENCE_SECONDS,
): Promise<NonNullable<T>> {
  const began = performance.now();
  for (;;) {
    const found = await look();
    if (found) return found;
    const waited = performance.now() - began;
    if (waited > seconds * 1000) throw new Error(`Not within ${seconds} s: ${what}`);
    // Poll long waits less often: polling takes processor time from what is waited for.
    await setTimeout(Math.min(20 + waited / 20, 200));
  }
}
