import { isUtf8 } from 'node:buffer';
import secureJson from 'secure-json-parse';
import { DomainError, validationFailed } from '../errors/domain-error';

const MAX_DEPTH = 20;
/** More than any valid body can hold. Validation takes seconds for the hundred thousand that fit into the size limit. */
const MAX_VALUES = 5_000;

/** Reads a JSON body. Refuses invalid UTF-8, which the platform would silently replace, and `__proto__` keys. */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw new DomainError('MALFORMED_REQUEST', 'The body is not valid UTF-8.');
  try {
    const text = body.toString();
    const value = secureJson.parse(text, { protoAction: 'error', constructorAction: 'error' });
    if (MAYBE_INEXACT.test(text)) assertExactNumbers(text);
    return value;
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw new DomainError('MALFORMED_REQUEST', 'The body is not valid JSON.');
  }
}

/** A number that may lose something when it is read: one with many digits, or with an exponent. */
const MAYBE_INEXACT = /\d[\d.]{15,}|\d[eE]/;

/** Refuses numbers that JavaScript cannot keep: 9007199254740993 would become …992, and 1e400 null. */
function assertExactNumbers(text: string): void {
  JSON.parse(text.replace(/^\uFEFF/, ''), (_key, value, { source }: { source?: string } = {}) => {
    if (typeof value === 'number' && source !== undefined && !isExact(source, value)) {
      throw new DomainError(
        'MALFORMED_REQUEST',
        `The number ${source.slice(0, 40)} cannot be kept exactly: send it as text.`,
      );
    }
    return value;
  });
}

/** Whether `value` is the number that `source` says. */
function isExact(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  // Fields for numbers take it as 0; metadata, where it would change, do not.
  if (Object.is(value, -0)) return /^-0(\.0+)?$/.test(source);
  const [digits, exponent] = decimalOf(source);
  const [kept, keptExponent] = decimalOf(String(value));
  return digits === kept && exponent === keptExponent;
}

/** Significant digits and exponent of a decimal number: the same for 1.50, 15e-1 and 1.5. */
function decimalOf(text: string): [digits: string, exponent: number] {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = `${whole}${fraction}`.replace(/^(-?)0+(?=\d)/, '$1');
  const trimmed = digits.replace(/(\d)0+$/, '$1');
  return trimmed === '0' ? ['0', 0] : [trimmed, Number(exponent) - fraction.length + digits.length - trimmed.length];
}

/**
 * Refuses what no field of ours could mean, before validation walks it: nesting deeper than 20 levels (which exhausts
 * the stack of the pipes), more than 5,000 values (which would hold up everybody else), NUL and lone surrogates (which
 * PostgreSQL refuses), and names that every object has. Itself walks level by level, without recursion.
 */
export function assertStorable(root: unknown): void {
  let level = [{ value: root, path: '' }];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new DomainError('MALFORMED_REQUEST', `The request is nested deeper than ${MAX_DEPTH} levels.`);
    values += level.length;
    if (values > MAX_VALUES)
      throw new DomainError('MALFORMED_REQUEST', `The request holds more than ${MAX_VALUES} values.`);
    level = level.flatMap(({ value, path }) => {
      if (typeof value === 'string' && !isStorable(value)) throw unstorable(path);
      return childrenOf(value).map(([key, child]) => {
        if (!isStorable(key)) throw unstorable(path);
        if (isReserved(key)) throw validationFailed([{ field: key, message: 'is a reserved name' }]);
        return { value: child, path: path ? `${path}.${key}` : key };
      });
    });
  }
}

/** `constructor`, `toString` and the like: validation would drop a field of that name without a word. */
const isReserved = (key: string) => key in Object.prototype || key === 'prototype';
const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed();
const childrenOf = (value: unknown) => (typeof value === 'object' && value !== null ? Object.entries(value) : []);

const unstorable = (path: string) =>
  validationFailed([{ field: path, message: 'must not hold NUL characters or lone surrogates' }]);
