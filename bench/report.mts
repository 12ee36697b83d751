/** The median of one measurement over all rounds. */
export interface Summary {
  what: string;
  unit: string;
  pgbench?: number;
  http?: number;
  ratio?: number;
  value?: number;
}

const number = (value: number | undefined, digits = 0) => (value === undefined ? '' : value.toFixed(digits));

/** Markdown. */
export function table(rows: Summary[]): string {
  const lines = rows.map(({ what, unit, pgbench, http, ratio, value }) => {
    const measured = value === undefined ? `${number(http)} ${unit}` : `${number(value)} ${unit}`;
    return `| ${what} | ${measured} | ${pgbench === undefined ? '' : `${number(pgbench)} ${unit}`} | ${number(ratio, 2)} |`;
  });
  return ['| | service | pgbench, same SQL | ratio |', '|---|---:|---:|---:|', ...lines, ''].join('\n');
}

const TITLE = 'Requests a second over HTTP, as a share of what pgbench reaches with the same SQL';
const BAR = 22;
const WIDTH = 820;
const LEFT = 330;

/** The ratios as horizontal bars, 1 being PostgreSQL alone; legible on a light and on a dark page. */
export function chart(rows: Summary[]): string {
  const shown = rows.filter(({ ratio }) => ratio !== undefined);
  const scale = (WIDTH - LEFT - 90) / Math.max(1, ...shown.map(({ ratio }) => ratio as number));
  const bars = shown.map(({ what, ratio = 0, http }, index) => {
    const y = 40 + index * (BAR + 8);
    return `<text x="${LEFT - 8}" y="${y + 15}" text-anchor="end">${what}</text>
<rect x="${LEFT}" y="${y}" width="${(ratio * scale).toFixed(1)}" height="${BAR}" rx="3" fill="#3b82f6"/>
<text x="${(LEFT + ratio * scale + 6).toFixed(1)}" y="${y + 15}">${ratio.toFixed(2)} (${number(http)}/s)</text>`;
  });
  const height = 50 + shown.length * (BAR + 8);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13" fill="#808080">
<title>${TITLE}</title>
<text x="8" y="20" font-weight="bold">${TITLE}</text>
${bars.join('\n')}
</svg>
`;
}
