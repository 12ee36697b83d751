/** The seed of everything that is random in this run; `SEED=… npm test` does the same again. */
export const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

process.stderr.write(`SEED=${SEED}\n`);
