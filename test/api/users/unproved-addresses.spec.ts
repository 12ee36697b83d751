import { logIn, PASSWORD, startApp, type TestApp } from '../../support/app';
import { eventually } from '../../support/eventually';
import { SmtpSink } from '../../support/smtp';

const sink = new SmtpSink();
let app: TestApp;
beforeAll(async () => {
  await sink.start();
  app = await startApp({ SMTP_URL: sink.url, PUBLIC_URL: 'https://shop.example.com', EMAIL_CONFIRMATION: 'required' });
});
afterAll(async () => {
  await app.close();
  await sink.stop();
});

const mailsTo = (address: string) => sink.delivered.filter(({ to }) => to.includes(address)).map(({ mail }) => mail);

it('nobody orders before the address is confirmed, where that is required', async () => {
  const login = { email: 'ann@example.com', password: PASSWORD };
  await app.anonymous.post('auth/register', { name: 'Ann', ...login });
  const ann = await logIn(app.anonymous, login);
  const lamp = await app.newProduct();
  const order = () => ann.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  const refused = await order();
  expect([refused.status, refused.body.code]).toEqual([403, 'EMAIL_NOT_CONFIRMED']);
  const mail = await eventually(() => mailsTo('ann@example.com')[0], 'the confirmation has arrived');
  const [, token] = /confirm-email\?token=([\w-]{43})/.exec(mail.text ?? '') ?? [];
  expect((await app.anonymous.post('auth/confirm-email', { token })).status).toBe(204);
  expect((await order()).status).toBe(201);
});

it('an address that is not confirmed gets five mails a day, with nothing that somebody typed', async () => {
  const login = { email: 'stranger@example.com', password: PASSWORD };
  const words = 'Claim your prize at http://evil.example';
  const { body } = await app.anonymous.post('auth/register', { name: words, ...login });
  const place = () =>
    app.admin.post('orders', {
      ...{ user_id: body.id, address: words, items: [{ name: 'Lamp', unit_price_cents: 100, quantity: 1 }] },
    });
  for (let n = 0; n < 6; n++) {
    const { id } = (await place()).body;
    await app.admin.patch(`orders/${id}/cancel`, { reason: words });
  }
  const proved = await app.newUser();
  await app.admin.post('orders', { user_id: proved.id, items: [{ name: 'Lamp', unit_price_cents: 1, quantity: 1 }] });
  await eventually(() => mailsTo(proved.email)[0], 'the mails that were announced before are sent or left out');
  await eventually(
    async () =>
      (await app.sql('SELECT count(*) FROM unproved_mails WHERE address = $1', [login.email]))[0].count === 13,
    'every mail to the stranger is counted',
  );
  const mails = mailsTo(login.email);
  expect(mails).toHaveLength(5);
  for (const mail of mails) expect(JSON.stringify(mail)).not.toContain('evil.example');
  expect(
    await app.sql('SELECT count(*) FILTER (WHERE left_out) AS out FROM unproved_mails WHERE address = $1', [
      login.email,
    ]),
  ).toEqual([{ out: 8 }]);
});
