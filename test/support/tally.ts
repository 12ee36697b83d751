import type { Answer } from './client';

/** How many answers there were of each kind: by status when they succeeded, else by the code of the problem. */
export function tally(answers: Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const kind = status < 400 ? status : body.code;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
