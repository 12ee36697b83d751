/** The folder of the service's sources as they were when this run of the tests began, compiled. */
export const BUILD = process.env.TEST_BUILD as string;
