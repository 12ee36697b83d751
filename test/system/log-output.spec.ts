import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import autocannon from 'autocannon';
import { BUILD } from '../support/build';
import { cloneTemplate, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { SETTINGS } from '../support/service';

let database: TestDatabase;
beforeAll(async () => {
  database = await cloneTemplate();
});
afterAll(() => database.drop());

const shells: ChildProcess[] = [];
afterEach(() => {
  for (const { pid } of shells.splice(0)) if (pid) killGroup(pid);
});

/** The shell leads a group of its own, with the service and the reader of its pipe. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {}
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

/** Starts the service with its output as `redirect`, in the words of a shell, until it is ready. */
async function start(redirect: string) {
  const port = await freePort();
  const env = {
    ...SETTINGS,
    PATH: process.env.PATH,
    APP_PORT: String(port),
    DATABASE_URL: database.url,
    SERVICE_ROLE: 'api',
  };
  // The shell reports the exit code of the service, which is not the last of a pipe.
  const command = `("$0" "$1/main.js" & echo pid $! >&3; wait $!; echo code $? >&3) ${redirect}`;
  const shell = spawn('sh', ['-c', command, process.execPath, BUILD], {
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  });
  shells.push(shell);
  let told = '';
  shell.stdio[3]?.on('data', (data: Buffer) => (told += data));
  const origin = `http://127.0.0.1:${port}`;
  const get = (path: string) => fetch(`${origin}${path}`);
  await eventually(
    () =>
      get('/health/ready').then(
        ({ ok }) => ok,
        () => false,
      ),
    'it is ready',
    60,
  );
  return { origin, get, told: () => told };
}

/** Sends SIGTERM and waits; the exit code. */
async function terminate({ told }: { told: () => string }): Promise<number> {
  process.kill(Number(/pid (\d+)/.exec(told())?.[1]), 'SIGTERM');
  const [, code] = await eventually(() => /code (\d+)/.exec(told()), 'it has ended');
  return Number(code);
}

/** More lines than are kept, and than a pipe holds. */
const fillBuffer = (origin: string) =>
  autocannon({
    url: `${origin}/none`,
    amount: 6_000,
    connections: 20,
    headers: { 'x-request-id': 'x'.repeat(64) },
  });

const metric = async (get: (path: string) => Promise<Response>, name: string) =>
  Number(new RegExp(`^${name}\\{output="stdout"\\} (\\d+)$`, 'm').exec(await (await get('/metrics')).text())?.[1]);

const onLinux = process.platform === 'linux';
it.each([
  ['a full disk', '>/dev/full', existsSync('/dev/full')],
  ['a pipe whose reader is gone', '| true', true],
  ['a pipe that nobody reads', '| sleep 600', onLinux],
])(
  'with %s for its output it serves, counts the lines that it loses, and ends in order',
  async (_what, redirect, possible) => {
    if (!possible) return;
    const service = await start(redirect);
    expect(await metric(service.get, 'log_lines_lost_total')).toBe(0);
    await fillBuffer(service.origin);
    expect(await metric(service.get, 'log_lines_lost_total')).toBeGreaterThan(0);
    if (!redirect.includes('sleep')) expect(await metric(service.get, 'log_write_failures_total')).toBeGreaterThan(0);
    expect((await service.get('/health/ready')).status).toBe(200);
    expect(await terminate(service)).toBe(0);
  },
);

it('serves and ends in order without an output', async () => {
  const service = await start('>&-');
  expect((await service.get('/api/v1/products')).status).toBe(200);
  expect(await terminate(service)).toBe(0);
});
