export default (): Promise<void> => globalThis.stopTestPostgres();
