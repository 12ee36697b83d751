import { type Answer, type Client, patiently } from './client';
import type { Contract, DocumentedOperation } from './contract';
import { mistakeIn } from './request-mistakes';

/** A request for an operation of the document, good or bad, as it goes over the wire. */
export interface ApiRequest {
  operation: DocumentedOperation;
  /** Percent-encoded, by the name of the parameter. */
  path: Record<string, string>;
  /** Percent-encoded names and values. */
  query: [string, string][];
  headers: Record<string, string>;
  body?: { type: string; bytes: Buffer };
}

/** In whose name requests are sent; `label` stands for the credentials in messages. */
export interface Sender {
  label: 'admin' | 'user' | 'service' | 'nobody';
  client: Client;
}

/** Sends the request. Fails, with a curl line that repeats it, unless the answer is what the document and the request allow. */
export async function sendAndJudge(contract: Contract, request: ApiRequest, sender: Sender): Promise<Answer> {
  const { operation, headers, body } = request;
  const client = sender.client.with({ ...headers, ...(body && { 'content-type': body.type }) });
  try {
    const send = () => client.send(operation.method.toUpperCase(), addressOf(request), body?.bytes);
    const answer = await patiently(send, (time) => time < 3);
    const complaint = complaintAbout(contract, request, answer);
    if (complaint) throw new Error(`${operation.name} ${answer.status}: ${complaint}`);
    return answer;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${curl(request, sender)}`, { cause: error });
  }
}

function addressOf({ operation, path, query }: ApiRequest): string {
  const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => path[name] as string);
  return query.length > 0 ? `${filled}?${query.map((pair) => pair.join('=')).join('&')}` : filled;
}

/** What no schema can say, so the document says it in words: a request that its schemas allow may be refused with these. */
const IN_WORDS = new RegExp(
  `^(${[
    'give either email or username',
    'is needed for grant_type \\w+',
    'must be an e-mail address such as .*',
    'must be an ISO 8601 date .*',
    'must be a JSON object of at most 8192 bytes',
    'must not be 0',
    'must have exactly one of product_id, sku, name',
    'name and unit_price_cents go together',
    'must say whom the order is for',
    'cannot be combined with offset',
    'is not a cursor of this list and sort order',
    'must not be beyond the latest position .*',
    'is not your present password',
    'must not be your own name or e-mail',
    'is one of the .* passwords.*',
    'is needed for this change',
    'must not hold -0, which would become 0',
    'does not belong to grant_type .*',
    'must not be before created_from',
    'must not be below min_total_cents',
  ].join('|')})$`,
);

const REFUSED = new Set(['VALIDATION_FAILED', 'MALFORMED_REQUEST', 'IDEMPOTENCY_KEY_INVALID']);

function complaintAbout(contract: Contract, request: ApiRequest, { status, body }: Answer): string | undefined {
  if (status >= 500) return `the service failed ${JSON.stringify(body)}`;
  const mistake = mistakeIn(contract, request);
  if (mistake) return status < 400 ? `accepted, although ${mistake}` : undefined;
  const inWords = body.errors?.every(({ message }: { message: string }) => IN_WORDS.test(message));
  if ((REFUSED.has(body.code) && !inWords) || [405, 413, 414, 415, 431].includes(status))
    return `refused, although the document allows it: ${JSON.stringify(body.errors ?? body.detail)}`;
  return status < 300 ? alterationOf(request, body) : undefined;
}

/** A text or free object that came back otherwise than it was sent. */
function alterationOf({ body }: ApiRequest, shown: unknown): string | undefined {
  if (body?.type !== 'application/json' || typeof shown !== 'object' || shown === null) return undefined;
  const fields = shown as Record<string, unknown>;
  if (body.bytes.length === 0) return undefined;
  const altered = Object.entries(JSON.parse(new TextDecoder().decode(body.bytes)))
    .filter(([name, value]) => name in fields && (typeof value === 'string' || name === 'metadata'))
    .find(([name, value]) => sorted(value) !== sorted(fields[name]));
  return altered && `${altered[0]} was altered to ${sorted(fields[altered[0]])}`;
}

/** JSON with the keys of all objects in order. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, part) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

/** A command line that sends the same again; `$ADMIN` and its like stand for an access token. */
function curl(request: ApiRequest, { label }: Sender): string {
  const { operation, headers, body } = request;
  const all = { ...headers, ...(body && { 'content-type': body.type }) };
  return [
    'curl -i -X',
    operation.method.toUpperCase(),
    ...(label === 'nobody' ? [] : [`-H "authorization: Bearer $${label.toUpperCase()}"`]),
    ...Object.entries(all).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body ? [`--data-binary ${quoted(body.bytes.toString('latin1'))}`] : []),
    quoted(`http://localhost:8000${addressOf(request)}`),
  ].join(' ');
}

/** For bash: `$'…'` with everything but printable ASCII escaped, and the middle of long texts left out. */
function quoted(text: string): string {
  const short = text.length > 4000 ? `${text.slice(0, 200)} (${text.length} bytes) ${text.slice(-200)}` : text;
  const escaped = short
    .replaceAll(/[\\']/g, '\\$&')
    .replaceAll(/[^\x20-\x7e]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `$'${escaped}'`;
}
