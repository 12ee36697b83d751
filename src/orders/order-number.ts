import { randomBytes } from 'node:crypto';

/** Crockford's base 32: no I, L, O or U, so that a number can be read out over the telephone. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const NUMBER = /^ORD-[0-9A-HJKMNP-TV-Z]{8}$/;

/** A new random order number, such as `ORD-7K3M9Q2X`: 40 random bits, so one in 10^12 collides and is drawn again. */
export function newOrderNumber(): string {
  return `ORD-${Array.from(randomBytes(8), (byte) => ALPHABET[byte & 31]).join('')}`;
}

/** Reads an order number as people type it: in any case, with O for 0 and I or L for 1. null for what cannot be one. */
export function parseOrderNumber(text: string): string | null {
  const number = text.toUpperCase().replace(/(?<=^ORD-.*)[OIL]/g, (letter) => (letter === 'O' ? '0' : '1'));
  return NUMBER.test(number) ? number : null;
}
