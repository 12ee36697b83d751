import { TRANSITIONS } from '../orders/order-status';

/** The table of transitions as a list in Markdown, for the description of the API. */
export function lifeOfAnOrder(): string {
  const byState = Map.groupBy(TRANSITIONS, ({ from }) => from);
  return [...byState]
    .map(([from, next]) => `- \`${from}\`: ${next.map(({ action, to }) => `${action} → \`${to}\``).join(', ')}`)
    .join('\n');
}
