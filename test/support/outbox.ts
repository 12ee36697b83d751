import { connected } from './database';

/** Publishes as many events that each send a mail to user 1; returns their ids. */
export async function publishMails(databaseUrl: string, count: number): Promise<string[]> {
  const { rows } = await connected(databaseUrl, (client) =>
    client.query<{ event_id: string }>(
      `INSERT INTO outbox (topic, aggregate_type, aggregate_id, payload)
       SELECT 'user.password_changed', 'user', 1, '{}' FROM generate_series(1, $1) RETURNING event_id`,
      [count],
    ),
  );
  return rows.map(({ event_id }) => event_id);
}
