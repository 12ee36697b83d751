import { Client } from 'pg';
import { ADMIN, listen, logIn, PASSWORD, testConfig } from '../support/app';
import { Client as Person } from '../support/client';
import { connected, databaseUrl, dropDatabase } from '../support/database';

const NAME = 'collation_spec';

it('with a Turkish collation, I and i are one letter of an address', async () => {
  await connected(databaseUrl('postgres'), (client: Client) =>
    client.query(`CREATE DATABASE ${NAME} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'`),
  );
  const { nest, origin } = await listen(testConfig(databaseUrl(NAME)));
  try {
    const anonymous = new Person(origin);
    const admin = await logIn(anonymous, ADMIN);
    const person = { name: 'Iris', email: 'info.iris@example.com', username: 'iris', password: PASSWORD };
    expect((await anonymous.post('auth/register', person)).status).toBe(201);
    const again = { ...person, email: 'INFO.IRIS@EXAMPLE.COM', username: undefined };
    expect((await anonymous.post('auth/register', again)).body.code).toBe('EMAIL_TAKEN');
    const other = { ...person, email: 'other@example.com', username: 'IRIS' };
    expect((await anonymous.post('auth/register', other)).body.code).toBe('USERNAME_TAKEN');
    const login = { username: 'INFO.IRIS@EXAMPLE.COM', password: PASSWORD };
    expect((await anonymous.post('auth/login', login)).status).toBe(200);
    await anonymous.post('auth/forgot-password', { email: 'INFO.IRIS@EXAMPLE.COM' });
    expect((await admin.get('users?q=iris')).body.users).toHaveLength(1);
    const sent = await connected(databaseUrl(NAME), (client) =>
      client.query(`SELECT FROM password_resets WHERE user_id IS NOT NULL`),
    );
    expect(sent.rowCount).toBe(1);
  } finally {
    await nest.close();
    await dropDatabase(NAME);
  }
});
