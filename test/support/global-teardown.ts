export default (): Promise<void> => globalThis.cleanUpAfterTests();
