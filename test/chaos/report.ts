import type { Result } from './run';

/** What was done and what is left, as a table in Markdown. */
export function table({ faults, counts, slowest, givenUp, lateResults, slowestDrain }: Result): string {
  const kills = Object.entries(faults).filter(([name]) => name.includes('killed'));
  const sum = kills.reduce((total, [, count]) => total + count, 0);
  const rows: [string, number | string][] = [
    ...Object.entries(faults).sort(([a], [b]) => (a < b ? -1 : 1)),
    ['**kills in all**', sum],
    ['late results dropped by the fence', lateResults],
    ['**orders placed**', counts.placed],
    ['refused, being out of stock', counts.refused],
    ['never answered', counts.unknown],
    ['failed, being cut off at every attempt', counts.cutOff],
    ['**lost**', counts.lost],
    ['**doubled**', counts.doubled],
    ['**stuck**', counts.stuck],
    ['**failed although the gateway had answered success**', counts.wronglyFailed],
    ['**server errors other than 503**', counts.serverErrors],
    ['**mails due**', counts.mailsDue],
    ['mails sent', counts.mailsSent],
    ['missing', counts.mailsMissing],
    ['doubled, their sender being cut off before the mark', counts.mailsDoubled - counts.mailsDoubledUnexplained],
    ['**doubled** without a cause', counts.mailsDoubledUnexplained],
    ['requests that got no answer within 10 s, and were sent again', givenUp],
    ['slowest answer (ms)', slowest],
    ['slowest end after SIGTERM (ms)', slowestDrain],
  ];
  const lines = rows.map(([what, count]) => `| ${what} | ${count.toLocaleString('en')} |`);
  return ['| | |', '|---|---:|', ...lines, ''].join('\n');
}
