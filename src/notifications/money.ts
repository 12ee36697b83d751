const formats = new Map<string, { format: Intl.NumberFormat; minorUnits: number }>();

/** An amount for people: 3998 in USD is `$39.98`. `amount` is in the currency's smallest unit. */
export function formatMoney(amount: number, currency: string): string {
  let known = formats.get(currency);
  if (!known) {
    const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
    known = { format, minorUnits: 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2) };
    formats.set(currency, known);
  }
  return known.format.format(amount / known.minorUnits);
}
