import type { AddressInfo, Socket } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

/** A mail that the server has taken: what the envelope said, and what was in it. */
export interface Delivery {
  to: string[];
  raw: string;
  mail: Email;
  /** What it is about, such as `order-7-3`: the order and its version. */
  reference: string;
  /** When the server had read it, in milliseconds. */
  at: number;
}

/** The references of the mails about orders that were placed, taken up and completed. */
export const mailsAbout = (orders: number[]): string[] =>
  orders.flatMap((id) => [1, 2, 3].map((sequence) => `order-${id}-${sequence}`));

/** What the server does with the next mails. */
export type Behaviour =
  | 'accept'
  | 'slow'
  | 'silent'
  | 'cut after data'
  | { refuse: 'recipient' | 'content'; code: number };

/** A mail server on the loopback interface that misbehaves on demand. */
export class SmtpSink {
  behaviour: Behaviour = 'accept';
  /** What it has answered with 250, and what it has read in full, answered or not. */
  readonly delivered: Delivery[] = [];
  readonly read: Delivery[] = [];
  private server = this.create();
  private readonly sockets = new Set<Socket>();
  private port = 0;

  constructor(private readonly login?: { user: string; pass: string }) {}

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** What was delivered with this reference, or one that begins so, oldest first. */
  about(reference: string): Delivery[] {
    return this.delivered.filter((delivery) => delivery.reference.startsWith(reference));
  }

  /** Starts listening; after a stop on the same port as before. */
  async start(): Promise<this> {
    this.server = this.create();
    await new Promise<void>((listening) => this.server.listen(this.port, '127.0.0.1', listening));
    this.port = (this.server.server.address() as AddressInfo).port;
    return this;
  }

  /** Cuts all connections and refuses new ones. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((done) => this.server.close(done));
    this.cut();
    await closed;
  }

  private cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private create(): SMTPServer {
    const server = new SMTPServer({
      disabledCommands: ['STARTTLS', ...(this.login ? [] : ['AUTH'])],
      allowInsecureAuth: true,
      authOptional: !this.login,
      disableReverseLookup: true,
      onAuth: ({ username, password }, _session, done) =>
        username === this.login?.user && password === this.login?.pass
          ? done(null, { user: username })
          : done(new Error('Wrong password')),
      onRcptTo: (_address, _session, done) => this.answer('recipient', done),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', async () => {
          const raw = Buffer.concat(chunks);
          const to = session.envelope.rcptTo.map(({ address }) => address);
          const mail = await PostalMime.parse(raw);
          const reference = mail.headers.find(({ key }) => key === 'x-entity-ref-id')?.value ?? '';
          const delivery = { to, raw: raw.toString(), mail, reference, at: Date.now() };
          this.read.push(delivery);
          if (this.behaviour === 'cut after data') this.cut();
          else
            this.answer('content', (error) => {
              if (!error) this.delivered.push(delivery);
              done(error);
            });
        });
      },
    });
    server.on('error', () => {});
    server.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    return server;
  }

  private answer(stage: 'recipient' | 'content', done: (error?: Error) => void): void {
    const { behaviour } = this;
    if (behaviour === 'silent') return;
    if (behaviour === 'slow') setTimeout(done, 200);
    else if (typeof behaviour === 'string' || behaviour.refuse !== stage) done();
    else done(Object.assign(new Error('The sink was told to refuse'), { responseCode: behaviour.code }));
  }
}
