import { once } from 'node:events';
import { Connection } from '../../src/database/crash-safe-client';
import { destroyOnReadTimeout, type Wire } from '../../src/database/read-timeout';
import { startApp, type TestApp } from '../support/app';
import { BUILD } from '../support/build';
import { eventually } from '../support/eventually';
import { startService } from '../support/service';
import { TcpProxy } from '../support/tcp-proxy';

let app: TestApp;
let network: TcpProxy;
beforeAll(async () => {
  app = await startApp({ SERVICE_ROLE: 'api' });
  network = await TcpProxy.before(app.databaseUrl);
});
afterAll(async () => {
  await app.close();
  await network.close();
});

/** What the server says to a connection that an operator ends. */
function terminated(): Buffer {
  const fields = Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0');
  const head = Buffer.from('E\0\0\0\0');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

it('a connection that ends in the same moment as an answer arrives does not end the process', async () => {
  const service = await startService(BUILD, { DATABASE_URL: network.url });
  const product = () => service.anonymous.get('products/1');
  network.farewell = terminated();
  for (let round = 1; round <= 3; round++) {
    const answers = await Promise.all(Array.from({ length: 30 }, product));
    for (const { status } of answers) expect([404, 503]).toContain(status);
  }
  network.farewell = undefined;
  network.cut();
  await eventually(async () => (await product()).status === 404, 'it serves again');
  expect(await service.terminate()).toBe(0);
});

it('a connection that had nothing to do for long is given up all the same when its other end has vanished', async () => {
  const client = new Connection(network.url);
  await client.connect();
  destroyOnReadTimeout(100)(client);
  const { stream } = (client as unknown as Wire).connection;
  await once(stream, 'timeout');
  await client.query('SELECT 1');
  network.strand();
  await expect(client.query('SELECT 1')).rejects.toThrow('Connection terminated unexpectedly');
});
