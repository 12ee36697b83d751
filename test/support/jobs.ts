import { PgBoss } from 'pg-boss';
import { connected } from './database';

/** Gives the jobs of a killed worker to others at once, which the queue does by itself within half a minute. */
export async function giveBackJobs(databaseUrl: string): Promise<void> {
  const sql = (text: string) => connected(databaseUrl, (client) => client.query(text));
  await sql(`UPDATE pgboss.job SET started_on = now() - interval '1 hour' WHERE state = 'active'`);
  const boss = new PgBoss({ connectionString: databaseUrl, supervise: false, schedule: false });
  await boss.start();
  await sql('UPDATE pgboss.queue SET monitor_on = NULL, monitor_claim_on = NULL');
  await boss.supervise();
  await boss.stop();
  await sql(`UPDATE pgboss.job SET start_after = now() WHERE state = 'retry'`);
}
