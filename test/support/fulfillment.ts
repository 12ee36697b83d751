import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call that the fulfillment service has received. */
export interface Call {
  headers: IncomingHttpHeaders;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the test asserts
  order: any;
}

/** A fulfillment service on the loopback interface; `answer` decides the answer to each call. */
export class Fulfillment {
  readonly calls: Call[] = [];
  answer: (response: ServerResponse, call: Call) => void = (response) => json(response, 200, { outcome: 'success' });
  private server!: Server;

  static async start(): Promise<Fulfillment> {
    const fulfillment = new Fulfillment();
    fulfillment.server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const call = { headers: request.headers, text, order: JSON.parse(text) };
      fulfillment.calls.push(call);
      fulfillment.answer(response, call);
    });
    await new Promise<void>((listening) => fulfillment.server.listen(0, '127.0.0.1', listening));
    return fulfillment;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/fulfill`;
  }

  /** The calls about one order, in their order. */
  about(orderId: number): Call[] {
    return this.calls.filter(({ order }) => order.id === orderId);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
