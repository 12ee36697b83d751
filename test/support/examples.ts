import type { Answer } from './client';

/** A request with the answer it gets, as an `http` block of a Markdown file has them. */
export interface Example {
  title: string;
  request: string;
  answer: string;
}

/** What earlier answers had in the places that an example names in braces: `"id": {order}`. */
export type Known = Map<string, unknown>;

/** One half of an example: its first line, its headers, and its body as text. */
interface Message {
  line: string;
  headers: Record<string, string>;
  body: string;
}

/** The `http` blocks below `####` headings. */
export function examplesOf(markdown: string): Example[] {
  const blocks = markdown.matchAll(/^#### (.+)\n(?:(?!^#)[\s\S])*?```http\n([\s\S]*?)^HTTP\/1\.1 ([\s\S]*?)```/gm);
  return [...blocks].map(([, title, request, answer]) => ({ title, request, answer }) as Example);
}

/** Reads a half; what is known is put in for what stands in braces, `base64(...)` is encoded. */
export function read(text: string, known: Known): Message {
  const filled = text
    .replace(/\{(\w+)\}/g, (braces, name) => (known.has(name) ? String(known.get(name)) : braces))
    .replace(/base64\((.*)\)/, (_, plain) => Buffer.from(plain).toString('base64'));
  const [head = '', ...body] = filled.split('\n\n');
  const [line = '', ...headers] = head.trim().split('\n');
  return {
    line,
    headers: Object.fromEntries(headers.map((header) => header.split(': '))),
    body: body.join('\n\n').trim(),
  };
}

/** Where an answer is not as the example says; it may hold more. Adds what stands in place of braces to `known`. */
export function mismatches(answer: Answer, expected: string, known: Known): string[] {
  const { line, body } = read(expected, known);
  const found: Known = new Map(known);
  const wrong = [
    ...compare('status', answer.status, Number.parseInt(line, 10), found),
    ...(/^[{[]/.test(body)
      ? compare('body', answer.body, JSON.parse(body.replace(/(?<!")(\{\w+\})/g, '"$1"')), found)
      : body.split('\n').flatMap((part) => (String(answer.body).includes(part) ? [] : [`no ${part}`]))),
  ];
  const { headers } = read(expected, found);
  for (const [name, value] of Object.entries(headers))
    wrong.push(...compare(name, answer.headers.get(name), value, found));
  if (wrong.length === 0) for (const [name, value] of found) known.set(name, value);
  return wrong;
}

function compare(path: string, actual: unknown, expected: unknown, found: Known): string[] {
  const name = typeof expected === 'string' && /^\{(\w+)\}$/.exec(expected)?.[1];
  if (name && actual !== undefined && actual !== null) {
    found.set(name, actual);
    return [];
  }
  if (typeof expected !== 'object' || expected === null)
    return actual === expected ? [] : [`${path}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`];
  return Object.entries(expected).flatMap(([key, value]) =>
    compare(`${path}.${key}`, (actual as Record<string, unknown> | undefined)?.[key], value, found),
  );
}
