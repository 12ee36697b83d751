import { TRANSITIONS } from '../orders/order-status';

/** The table of transitions in a few lines of text, for the description of the API. */
export function lifeOfAnOrder(): string {
  const byState = Map.groupBy(TRANSITIONS, ({ from }) => from);
  return [...byState]
    .map(([from, next]) => `${from.padEnd(10)}  ${next.map(({ action, to }) => `${action} -> ${to}`).join(', ')}`)
    .join('\n');
}
