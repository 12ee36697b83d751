/** Ends a run with one plain line for programs to read. A file that could not be loaded counts as failed. */
export default class Totals {
  onRunComplete(
    _contexts: unknown,
    results: Record<'numPassedTests' | 'numFailedTests' | 'numRuntimeErrorTestSuites', number>,
  ) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // After Jest's own summary, which comes behind all other reporters.
    process.once('exit', () => process.stdout.write(`${results.numPassedTests} passed, ${failed} failed\n`));
  }
}
