/** Marks what fails before a test has begun: that says nothing about a guard. `run.mts` knows it by these words. */
const prepareAll = globalThis.beforeAll;
globalThis.beforeAll = (prepare, timeout) =>
  prepareAll(async () => {
    try {
      await (prepare as () => unknown)();
    } catch (cause) {
      throw new Error('No test has begun', { cause });
    }
  }, timeout);
