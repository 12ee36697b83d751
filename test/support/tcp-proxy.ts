import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** How PostgreSQL says that it is ready for the next query. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

/** Stands between the service and its database, to make the network slow, silent or broken. */
export class TcpProxy {
  /** Milliseconds by which everything from the server is late. */
  delay = 0;
  /** While true nothing passes, and nobody is told. */
  silent = false;
  /** Sent together with everything that the server ends an answer with. */
  farewell: Buffer | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((client) => this.join(client));

  private constructor(private target: URL) {}

  /** Listens on a free loopback port for connections to the server of `url`. */
  static async before(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(url));
    await new Promise<void>((listening) => proxy.server.listen(0, '127.0.0.1', listening));
    return proxy;
  }

  /** The URL of the same database through this proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return url.href;
  }

  /** Leads new connections to another server. */
  lead(url: string): void {
    this.target = new URL(url);
  }

  /** Resets every connection that is open now. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((closed) => this.server.close(closed));
  }

  private join(client: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    const unchanged = (data: Buffer) => data;
    this.pass(client, server, () => 0, unchanged);
    this.pass(
      server,
      client,
      () => this.delay,
      (data) => (this.farewell && data.subarray(-6).equals(READY) ? Buffer.concat([data, this.farewell]) : data),
    );
  }

  private pass(from: Socket, to: Socket, delay: () => number, change: (data: Buffer) => Buffer): void {
    this.sockets.add(from);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
    from.on('data', (received) => {
      if (this.silent) return;
      const data = change(received);
      if (delay() === 0) to.write(data);
      else setTimeout(() => to.writable && to.write(data), delay());
    });
  }
}
