/** Major version of Node that can load the ES modules of Nest from CommonJS. */
const REQUIRED_MAJOR = 24;

// Before everything else is loaded, because older versions fail there with errors that do not name the cause.
if (Number(/^v(\d+)/.exec(process.version)?.[1]) < REQUIRED_MAJOR) {
  process.stderr.write(
    `Node ${REQUIRED_MAJOR} or newer is needed, and this is ${process.version}: start with npm, which brings its own.\n`,
  );
  process.exit(1);
}
