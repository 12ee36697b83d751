import { existsSync, renameSync, statSync } from 'node:fs';
import pino, { type DestinationStream } from 'pino';

/** Bytes after which the file starts anew. */
const LIMIT = 10 * 1024 * 1024;

/** Files that there are at most, the present one included. */
const FILES = 5;

/**
 * A log at exactly this path. When it is full it is renamed to `file.1`, what was there to `file.2`, and so on; the oldest
 * goes. Written line by line and synchronously, so that nothing is lost however the process ends. A disk that is full or a
 * folder that is closed later on costs the lines, not the request. Throws when the file cannot be opened.
 */
export function rotatedFile(file: string): DestinationStream {
  const destination = open(file);
  let size = statSync(file).size;
  const failed = (error: unknown) => process.stderr.write(`LOG_FILE cannot be written: ${codeOf(error)}\n`);
  destination.on('write', (bytes) => {
    size += bytes;
    if (size < LIMIT) return;
    size = 0;
    try {
      rotate(file);
      destination.reopen();
    } catch (error) {
      failed(error);
    }
  });
  destination.on('error', failed);
  return destination;
}

function open(file: string) {
  try {
    // What cannot be written is kept up to `maxLength`, then dropped.
    return pino.destination({ dest: file, mkdir: true, sync: true, maxLength: 1024 * 1024 });
  } catch (error) {
    throw new Error(`LOG_FILE cannot be written: ${codeOf(error)}`);
  }
}

function rotate(file: string): void {
  const name = (age: number) => (age === 0 ? file : `${file}.${age}`);
  for (let age = FILES - 2; age >= 0; age--) if (existsSync(name(age))) renameSync(name(age), name(age + 1));
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
