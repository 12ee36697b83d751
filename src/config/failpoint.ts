/** Points where an experiment can kill the process: between an effect outside and the note that it happened. */
export const FAILPOINTS = [
  'order-placed',
  'order-claimed',
  'gateway-answered',
  'change-committing',
  'order-settled',
  'batch-relayed',
  'mail-sending',
  'mail-sent',
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

let armed: { name: string; passes: number } | undefined;

/** Arms `FAILPOINT=name:n`: the n-th pass of that point kills this process. For experiments; refused in production. */
export function armFailpoint(setting: string | undefined): void {
  const [name = '', passes] = (setting ?? '').split(':');
  armed = setting ? { name, passes: Number(passes) } : undefined;
}

/** Kills the process without any cleanup, if an experiment has armed this point. Otherwise does nothing. */
export function failpoint(name: Failpoint): void {
  if (armed?.name === name && --armed.passes === 0) process.kill(process.pid, 'SIGKILL');
}
