import { once } from 'node:events';
import {
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SonicBoom, type SonicBoomOpts } from 'sonic-boom';
import { StartError } from '../errors/start-error';

/** Bytes of log lines that wait for one output; what comes on top is lost. */
const BUFFER_BYTES = 1024 * 1024;

/** Milliseconds after which an output that failed is tried again. */
const RETRY_MS = 1_000;

/** Milliseconds that the end of the process waits for its last lines. */
const FLUSH_TIMEOUT_MS = 1_000;

/** Size of a log file, in the notation of pino-roll. */
const FILE_SIZE = '10m';

/** Numbered files that stay when a new one begins, which pino-roll may or may not see among them. */
const FILES_KEPT = 4;

/** Writes in the background; `minLength` of a byte is what lets an idle output be flushed. */
const OPTIONS: SonicBoomOpts = { sync: false, minLength: 1, maxLength: BUFFER_BYTES };

type Output = 'stdout' | 'LOG_FILE';

/** By output, since the start of the process: lines lost, and writes that failed. */
export const losses = new Map<Output, { lines: number; failures: number }>();

const opened = new Map<string, SonicBoom>();

/** Standard output. Neither a full disk nor a reader that is gone or slow holds up the process: lines are lost instead. */
export function openStdout(): SonicBoom {
  const known = opened.get('stdout');
  if (known) return known;
  return withLosses('stdout', new SonicBoom({ ...OPTIONS, fd: stdoutDescriptor() }), 'stdout');
}

/** A pipe is opened a second time, without blocking: a thread that waits for its reader could not be ended. */
function stdoutDescriptor(): number {
  try {
    if (!fstatSync(1).isFIFO()) return 1;
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return 1;
  }
}

/**
 * Numbered files beside `path`, of 10 MiB each: `orders.1.log`, `orders.2.log`, … for `orders.log`. At most five are kept,
 * and `path` is a link to the newest. A device or a pipe is written as it is. What cannot be written later on is lost, as
 * on standard output. Throws {@link StartError} when nothing can be written now.
 */
export async function openLogFile(path: string): Promise<SonicBoom> {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const rolls = statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
    const file = rolls ? await rollingFile(path) : new SonicBoom({ ...OPTIONS, dest: path });
    await once(file, 'ready');
    return withLosses('LOG_FILE', file, path);
  } catch (error) {
    throw new StartError(`LOG_FILE cannot be written: ${codeOf(error)}`);
  }
}

async function rollingFile(path: string): Promise<SonicBoom> {
  const extension = extname(path) || '.log';
  const first = join(dirname(path), `${basename(path, extension)}.1${extension}`);
  // Versions before this one wrote to `path` itself.
  if (isFile(path) && !isFile(first)) renameSync(path, first);
  // Loaded only where it is used.
  const { default: roll } = await import('pino-roll');
  const limit = { count: FILES_KEPT, removeOtherLogFiles: true };
  const file = await roll({ ...OPTIONS, file: path, size: FILE_SIZE, limit });
  file.on('ready', () => link(path, basename((file as SonicBoom & { file: string }).file)));
  return file;
}

/** Not where there is a file of its own, or a file system without links: then only the numbered files are written. */
function link(path: string, target: string): void {
  try {
    if (!isFile(path)) rmSync(path, { force: true });
    symlinkSync(target, path);
  } catch {}
}

const isFile = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** Counts what `stream` loses, reports the first failure of each outage, and tries again until it is over. */
function withLosses(output: Output, stream: SonicBoom, key: string): SonicBoom {
  const lost = losses.get(output) ?? { lines: 0, failures: 0 };
  losses.set(output, lost);
  stream.on('drop', () => lost.lines++);
  let failing = false;
  stream.on('write', () => {
    failing = false;
  });
  stream.on('error', (error) => {
    lost.failures++;
    if (!failing) process.stderr.write(`${output} cannot be written: ${codeOf(error)}\n`);
    failing = true;
    setTimeout(() => stream.flush(() => {}), RETRY_MS).unref();
  });
  opened.set(key, stream);
  return stream;
}

/** Waits until all lines are written, but not for long: an output that fails must not hold up the end of the process. */
export async function flushLogs(): Promise<void> {
  const flushed = [...opened.values()].map((stream) => new Promise<void>((done) => stream.flush(() => done())));
  await Promise.race([Promise.all(flushed), delay(FLUSH_TIMEOUT_MS, undefined, { ref: false })]);
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? (error as Error).message;
