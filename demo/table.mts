const { stdout } = process;
const WIDTHS = [28, 12];

/** The title and the head of the table. */
export function start(title: string): void {
  stdout.write(`\n${title}\n\n`);
  row('Step', 'Result', 'Details');
  stdout.write(`${WIDTHS.map((width) => '-'.repeat(width)).join('  ')}  ${'-'.repeat(50)}\n`);
}

/** Prints one line of the table. */
export function row(step: string, result: string, details: string): void {
  clearProgress();
  const [first, second] = WIDTHS as [number, number];
  stdout.write(`${step.padEnd(first)}  ${result.padEnd(second)}  ${details}\n`);
}

let shown = '';

/** Shows what the demo waits for: a line that is replaced on a terminal, elsewhere one line for each new `text`. */
export function progress(text: string, seconds: number): void {
  if (stdout.isTTY) stdout.write(`\r\x1b[K  ... ${text} (${seconds} s)`);
  else if (shown !== text) stdout.write(`  ... ${text}\n`);
  shown = text;
}

export function finish(text: string): void {
  stdout.write(`\n${text}\n`);
}

function clearProgress(): void {
  if (stdout.isTTY && shown) stdout.write('\r\x1b[K');
  shown = '';
}
