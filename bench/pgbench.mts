import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Transactions a second that PostgreSQL reaches with this script alone: prepared statements, no service in between. */
export async function pgbench(url: string, script: string, connections: number, seconds: number): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'pgbench-'));
  try {
    const file = join(directory, 'script.sql');
    await writeFile(file, script);
    const how = ['-n', '-M', 'prepared', '-c', String(connections), '-j', '1', '-T', String(seconds), '-f', file, url];
    const { stdout } = await run('pgbench', how, { maxBuffer: 1e8 });
    if (!/number of failed transactions: 0 /.test(stdout)) throw new Error(`pgbench had failures:\n${stdout}`);
    return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/**
 * SQL of the service as a line of a pgbench script: `$n` becomes the n-th of `values`, each an SQL expression that may
 * use pgbench variables. Comments go, because pgbench joins the lines.
 */
export function scriptLine(sql: string, values: string[]): string {
  const line = sql.replace(/--.*$/gm, '').replace(/\s+/g, ' ').trim();
  return `${line.replace(/\$(\d+)/g, (_, n) => `(${values[Number(n) - 1]})`)};\n`;
}

/** A JavaScript value as an SQL literal. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `'{${value.map((one) => JSON.stringify(one)).join(',')}}'`;
  return `'${String(value).replaceAll("'", "''")}'`;
}
