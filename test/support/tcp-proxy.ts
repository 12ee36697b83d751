import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** How PostgreSQL says that it is ready for the next query. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

/** Stands between the service and its database, to make the network slow, silent or broken. */
export class TcpProxy {
  /** Milliseconds by which everything from the server is late. */
  delay = 0;
  /** Sent together with everything that the server ends an answer with. */
  farewell: Buffer | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly stranded = new Set<Socket>();
  private server = createServer();
  private hushed = false;
  private port = 0;

  private constructor(private target: URL) {}

  /** Listens on a free loopback port for connections to the server of `url`. */
  static async before(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(url));
    await proxy.open();
    return proxy;
  }

  /** The URL of the same database through this proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  /** While true nothing passes and no connection ends; held data arrives afterwards, as over TCP. */
  get silent(): boolean {
    return this.hushed;
  }

  set silent(hushed: boolean) {
    this.hushed = hushed;
    for (const socket of this.sockets) hushed ? socket.pause() : socket.resume();
  }

  /** What is connected now stays so, but nothing passes there ever again, as when a host is gone. New connections work. */
  strand(): void {
    for (const socket of this.sockets) this.stranded.add(socket.pause());
    this.sockets.clear();
  }

  /** Leads new connections to another server. */
  lead(url: string): void {
    this.target = new URL(url);
  }

  /** Resets every connection that is open now. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Resets all connections and refuses new ones. */
  async close(): Promise<void> {
    const closed = new Promise((done) => this.server.close(done));
    this.cut();
    for (const socket of this.stranded) socket.destroy();
    await closed;
  }

  /** Listens again after a close, at the same address as before. */
  async open(): Promise<void> {
    this.server = createServer((client) => this.join(client));
    await new Promise<void>((listening) => this.server.listen(this.port, '127.0.0.1', listening));
    this.port = (this.server.address() as AddressInfo).port;
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
      const data = change(received);
      if (delay() === 0) to.write(data);
      else setTimeout(() => to.writable && to.write(data), delay());
    });
    if (this.silent) from.pause();
  }
}
