import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ADMIN } from './app';
import { Client } from './client';

/** The service as a separate process that a test can kill, stop and drain. */
export interface Service {
  readonly pid: number;
  readonly origin: string;
  readonly anonymous: Client;
  /** Everything that it has written to stdout and stderr, which includes its log. */
  output(): string;
  /** Sends a signal. */
  signal(name: NodeJS.Signals): void;
  /** Kills it as a power cut would, and waits until it is gone. */
  kill(): Promise<void>;
  /** Sends SIGTERM and waits; returns the exit code, null if a signal ended it. */
  terminate(): Promise<number | null>;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<number | null>;
}

/** Starts the build in `folder` with these settings and waits until it is ready. Ends by itself with this process. */
export async function startService(folder: string, settings: NodeJS.ProcessEnv): Promise<Service> {
  const child = spawn('sh', ['-c', WATCHED, 'sh', process.execPath, join(folder, 'main.js')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...SETTINGS, ...settings },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data;
      if (process.env.SERVICE_LOG) appendFileSync(process.env.SERVICE_LOG, data);
    });
  }
  child.stdin.on('error', () => {});
  const ended = new Promise<number | null>((done) =>
    child.once('exit', (code) => {
      child.stdin.destroy();
      done(code);
    }),
  );
  const origin = await listening(child, () => output);
  return {
    pid: child.pid as number,
    origin,
    anonymous: new Client(origin),
    output: () => output,
    signal: (name) => void child.kill(name),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    terminate: () => {
      child.kill('SIGTERM');
      return ended;
    },
    ended,
  };
}

/** Settings of a service under test, unless told otherwise. */
export const SETTINGS = {
  // The packages are the same each time, and a process is killed and started many times.
  NODE_COMPILE_CACHE: process.env.TEST_DATA_DIR && join(process.env.TEST_DATA_DIR, 'compile-cache'),
  NODE_ENV: 'test',
  APP_HOST: '127.0.0.1',
  APP_PORT: '0',
  SECRET_KEY: 'a-signing-key-for-tests-of-32-bytes',
  ADMIN_EMAIL: ADMIN.email,
  ADMIN_PASSWORD: ADMIN.password,
  PROCESSING_DURATION_MS: '0',
  PROCESSING_INTERVAL_SECONDS: '1',
  DEMO_DATA: 'false',
  RATE_LIMIT_REQUESTS: '1000000',
  AUTH_RATE_LIMIT_REQUESTS: '1000000',
};

/** The shell becomes the service; its background part ends it with our pipe, which closes also when we are killed. */
const WATCHED = 'exec 3<&0; (cat <&3 >/dev/null; kill -9 $$ 2>/dev/null) & exec "$@" 3<&- </dev/null';

/** No assertion: a busy machine takes many times longer than an idle one. */
const START_TIMEOUT_MS = 240_000;

/** The address from the log line that announces it, once the service says that it is ready. */
async function listening(child: ChildProcess, output: () => string): Promise<string> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const origin = /Listening on (http:\/\/[^ "]+)/.exec(output())?.[1];
    if (origin) return origin;
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`The service did not start:\n${output()}`);
    }
    await setTimeout(20);
  }
}
