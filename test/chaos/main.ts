/**
 * Puts the service through minutes of faults and says what is left: `npm run chaos -- --minutes 10 --seed 1`. The same
 * seed makes the same plan of faults and orders; the exit code is 1 when a promise was broken. Ctrl-C ends the trouble
 * early, and what was done until then is judged; a second one ends it all.
 */
import 'reflect-metadata';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { longRun } from './plan';
import { table } from './report';
import { runChaos } from './run';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1e9) },
    },
  });
  const [seed, minutes] = [Number(values.seed), Number(values.minutes)];
  if (!Number.isInteger(seed) || !(minutes > 0)) throw new Error('--seed takes a whole number, --minutes a number');
  process.stdout.write(`SEED=${seed}\n`);
  const began = Date.now();
  const progress = (line: string) => process.stdout.write(`${line}\n`);
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  const options = { progress, stop: stopping.signal };
  const result = await runChaos(resolve('dist'), longRun(seed, minutes), options);
  process.stdout.write(
    `\n${table(result)}\nSEED=${seed}, ${((Date.now() - began) / 60_000).toFixed(1)} minutes in all\n`,
  );
  for (const violation of result.violations) process.stdout.write(`BROKEN ${violation}\n`);
  process.exitCode = result.violations.length > 0 ? 1 : 0;
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
