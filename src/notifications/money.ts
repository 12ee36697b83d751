import { exponentOf } from '../config/currencies';

const formats = new Map<string, Intl.NumberFormat>();

/** An amount for people: 3998 in USD is `$39.98`. `amount` is in the currency's minor unit, exact up to 2^53. */
export function formatMoney(amount: number, currency: string): string {
  const exponent = exponentOf(currency);
  const format = formats.get(currency) ?? createFormat(currency, exponent);
  const digits = String(amount).padStart(exponent + 1, '0');
  const point = digits.length - exponent;
  // As text: the quotient of two numbers is not exact.
  return format.format(`${digits.slice(0, point)}.${digits.slice(point)}` as Intl.StringNumericLiteral);
}

/** The symbol comes from the runtime, the number of digits does not. */
function createFormat(currency: string, exponent: number): Intl.NumberFormat {
  const digits = { minimumFractionDigits: exponent, maximumFractionDigits: exponent };
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency, ...digits });
  formats.set(currency, format);
  return format;
}
