/** Whether a client that sends this `Accept` header takes `type`, such as `text/event-stream`. The closest range decides. */
export function accepts(header: string | undefined, type: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  const ranges = new Map(
    header.split(',').map((part) => {
      const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
      return [range, !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))];
    }),
  );
  const candidates = [type, `${type.split('/', 1)[0]}/*`, '*/*'];
  return candidates.map((range) => ranges.get(range)).find((taken) => taken !== undefined) ?? false;
}
