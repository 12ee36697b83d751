import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { fillCatalogue } from './fill.mts';
import { median } from './load.mts';
import { place } from './placing.mts';
import { startService } from './service.mts';

/*
 * Ten minutes at 60 % of what the service can take: resident memory and open handles must not grow. Orders are placed,
 * and processed, relayed and mailed meanwhile.
 */
const MINUTES = Number(process.env.SOAK_MINUTES ?? 10);
const SAMPLE_SECONDS = 15;

const { startEmbeddedPostgres } = createRequire(import.meta.url)(
  '../dist/tools/embedded-postgres.js',
) as typeof import('../src/tools/embedded-postgres.js');

const directory = mkdtempSync(join(tmpdir(), 'orders-soak-'));
const postgres = await startEmbeddedPostgres(directory, { max_connections: '200', shared_buffers: '512MB' });
const client = new Client(postgres.url);
await client.connect();
const service = await startService(postgres.url, {
  DATA_DIR: directory,
  PROCESSING_INTERVAL_SECONDS: '10',
  PROCESSING_DURATION_MS: '100',
});
try {
  await fillCatalogue(client);
  const { rows } = await client.query(`SELECT min(id) AS id FROM users WHERE email LIKE 'customer%'`);
  const token = await service.login();
  const most = await place(service, token, client, rows[0].id, 10);
  const rate = Math.round(most.perSecond * 0.6);
  process.stdout.write(`at most ${most.perSecond.toFixed(0)} orders/s; ${MINUTES} minutes at ${rate}/s\n`);
  const samples: { memory: number; handles: number }[] = [];
  for (let sample = 0; sample < (MINUTES * 60) / SAMPLE_SECONDS; sample++) {
    const { perSecond, p99, failed } = await place(service, token, client, rows[0].id, SAMPLE_SECONDS, rate);
    if (failed > 0) throw new Error(`${failed} requests failed`);
    const [memory, handles] = [service.memory(), service.handles()];
    samples.push({ memory, handles });
    const at = String((sample + 1) * SAMPLE_SECONDS).padStart(4);
    process.stdout.write(
      `${at} s  ${perSecond.toFixed(0)}/s  p99 ${p99} ms  ${memory.toFixed(0)} MiB  ${handles} handles\n`,
    );
  }
  const third = Math.floor(samples.length / 3);
  for (const key of ['memory', 'handles'] as const) {
    const values = samples.map((sample) => sample[key]);
    const [first, last] = [median(values.slice(0, third)), median(values.slice(-third))];
    process.stdout.write(
      `${key}: median of the first third ${first.toFixed(0)}, of the last third ${last.toFixed(0)}\n`,
    );
  }
} finally {
  await service.stop();
  await client.end();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}
