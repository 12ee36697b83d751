import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** How `npm start` runs the service: the same flags. */
const [, ...COMMAND] = JSON.parse(readFileSync('package.json', 'utf8')).scripts.start.replace('exec ', '').split(' ');

const ADMIN = { email: 'admin@example.com', password: 'benchmark admin password' };

/** The service as built, as a process of its own. */
export interface Service {
  origin: string;
  /** Milliseconds from the start of the process until /health/ready was 200. */
  startup: number;
  /** An admin's access token. */
  login(): Promise<string>;
  /** The most resident memory since the last call, in MiB. */
  memory(): number;
  /** Seconds of processor time that the process has used since it started. */
  processorSeconds(): number;
  /** Open files and sockets. */
  handles(): number;
  stop(): Promise<void>;
}

/** Starts one process of the build in `folder`, at the log level of production, with limits that a benchmark does not reach. */
export async function startService(
  databaseUrl: string,
  settings: NodeJS.ProcessEnv = {},
  folder = '.',
): Promise<Service> {
  const port = await freePort();
  const log = openSync('/dev/null', 'w');
  const started = performance.now();
  const child = spawn(process.execPath, COMMAND, {
    stdio: ['ignore', log, 'inherit'],
    cwd: folder,
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      APP_HOST: '127.0.0.1',
      APP_PORT: String(port),
      SECRET_KEY: 'a signing key for benchmarks only',
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      ACCESS_TOKEN_EXPIRE_MINUTES: '1440',
      LOG_LEVEL: 'info',
      RATE_LIMIT_REQUESTS: '1000000000',
      AUTH_RATE_LIMIT_REQUESTS: '1000000000',
      PROCESSING_INTERVAL_SECONDS: '86400',
      DEMO_DATA: 'false',
      ...settings,
    },
  });
  const origin = `http://127.0.0.1:${port}`;
  await ready(origin, child);
  return {
    origin,
    startup: performance.now() - started,
    login: async () => {
      const body = JSON.stringify(ADMIN);
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${origin}/api/v1/auth/login`, { method: 'POST', headers, body });
      return ((await answer.json()) as { access_token: string }).access_token;
    },
    memory: () => {
      const [, most] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      // Has Linux begin anew with what is resident now.
      writeFileSync(`/proc/${child.pid}/clear_refs`, '5');
      return Number(most) / 1024;
    },
    processorSeconds: () => {
      const [, after = ''] = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ');
      const fields = after.split(' ');
      // utime and stime, in ticks of 1/100 s.
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    handles: () => readdirSync(`/proc/${child.pid}/fd`).length,
    stop: async () => {
      const exit = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await exit;
    },
  };
}

async function ready(origin: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error('The service ended before it was ready.');
    const answer = await fetch(`${origin}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await setTimeout(20);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => probe.once('listening', listening));
  const { port } = probe.address() as { port: number };
  await new Promise((closed) => probe.close(closed));
  return port;
}
