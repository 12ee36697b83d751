import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends these bytes as they are to the service, and returns what came back until it closed the connection. */
export async function sendRaw(
  origin: string,
  bytes: string,
): Promise<{ status: number; headers: Headers; body: string }> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n', 2);
  const [line = '', ...fields] = head.split('\r\n');
  const headers = new Headers(fields.map((field) => field.split(/:\s*/, 2) as [string, string]));
  return { status: Number(line.split(' ')[1]), headers, body };
}
