import { ORDER_STATUSES, TRANSITIONS } from '../../src/orders/order-status';

/** The table of transitions as a Mermaid diagram, and who may ask for what, for docs/architecture.md. */
export function lifeOfAnOrder(): string {
  const final = ORDER_STATUSES.filter((status) => TRANSITIONS.every(({ from }) => from !== status));
  return [
    '```mermaid',
    'stateDiagram-v2',
    '    [*] --> pending : place',
    ...TRANSITIONS.map(({ from, to, action }) => `    ${from} --> ${to} : ${action}`),
    ...final.map((status) => `    ${status} --> [*]`),
    '```',
    '',
    '| From | To | Action | Who may ask | Stock |',
    '|---|---|---|---|---|',
    ...TRANSITIONS.map(
      ({ from, to, action, roles, stock }) => `| ${from} | ${to} | ${action} | ${roles.join(', ')} | ${stock ?? ''} |`,
    ),
  ].join('\n');
}
