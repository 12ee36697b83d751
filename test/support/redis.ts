import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { Redis } from 'ioredis';
import { eventually } from './eventually';

/** Whether Debian's redis-server is here. CI installs it, and must not pass without. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** A Redis on a free loopback port, without a file; ends with this process. */
export class RedisServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(): Promise<RedisServer> {
    const probe = createServer();
    await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
    const { port } = probe.address() as AddressInfo;
    await new Promise((closed) => probe.close(closed));
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', options, { stdio: 'ignore' });
    process.on('exit', () => child.kill('SIGKILL'));
    const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 20 });
    client.on('error', () => {});
    await eventually(() => client.ping(), 'Redis answers');
    client.disconnect();
    return new RedisServer(child, `redis://127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    const exit = new Promise((done) => this.child.once('exit', done));
    this.child.kill('SIGTERM');
    await exit;
  }
}
