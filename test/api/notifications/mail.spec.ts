import { logIn, PASSWORD, startApp, type TestApp } from '../../support/app';
import { eventually } from '../../support/eventually';
import { type Delivery, SmtpSink } from '../../support/smtp';

let smtp: SmtpSink;
let app: TestApp;
beforeAll(async () => {
  smtp = await new SmtpSink().start();
  app = await startApp({
    SMTP_URL: smtp.url,
    MAIL_FROM: 'Example Shop <orders@shop.example>',
    PUBLIC_URL: 'https://shop.example/',
  });
});
afterAll(async () => {
  await app.close();
  await smtp.stop();
});

/** The mails about an order, by their subjects, once there are as many. */
function subjects(orderId: number, count: number): Promise<string[]> {
  return eventually(() => {
    const mails = smtp.about(`order-${orderId}-`);
    return mails.length >= count ? mails.map(({ mail }) => mail.subject as string).sort() : undefined;
  }, `${count} mails about order ${orderId}`);
}

function delivered(id: string): Promise<Delivery> {
  return eventually(() => smtp.about(id)[0], `mail ${id}`);
}

async function place(fields: object = {}) {
  const user = await app.newUser();
  const lamp = await app.newProduct();
  const { body: order } = await user.post('orders', { items: [{ product_id: lamp.id, quantity: 2 }], ...fields });
  return { user, lamp, order };
}

it('tells the customer of each change, once', async () => {
  const { user, order } = await place();
  await app.admin.patch(`orders/${order.id}/status`, { status: 'paid' });
  await app.admin.post('processing/runs');
  expect(await subjects(order.id, 4)).toEqual([
    `We are working on your order (${order.number})`,
    `We have received your order (${order.number})`,
    `Your order is complete (${order.number})`,
    `Your order is paid (${order.number})`,
  ]);
  for (const { to, mail } of smtp.about(`order-${order.id}-`)) {
    expect(to).toEqual([user.email]);
    expect(mail.from).toMatchObject({ name: 'Example Shop', address: 'orders@shop.example' });
    expect(mail.messageId).toMatch(/^<[\da-f-]{36}@shop\.example>$/);
    for (const part of [mail.text, mail.html]) expect(part).toContain(order.number);
  }
});

it('tells the customer why an order failed and how to retry, that it was taken up again, and that it was cancelled', async () => {
  const { user, order } = await place({ simulate_outcome: 'failure' });
  await app.admin.post('processing/runs');
  const failed = await delivered(`order-${order.id}-3`);
  expect(failed.mail.text).toContain('The simulated gateway was told to fail.');
  expect(failed.mail.text).toContain('How to try again: place the order once more');
  expect(failed.mail.html).toContain('How to try again:');

  await app.admin.patch(`orders/${order.id}/status`, { status: 'pending' });
  expect((await delivered(`order-${order.id}-4`)).mail.subject).toMatch(/^We have taken up your order again/);
  await user.patch(`orders/${order.id}/cancel`, { reason: 'Found it cheaper.' });
  const cancelled = await delivered(`order-${order.id}-5`);
  expect(cancelled.mail.subject).toMatch(/^Your order has been cancelled/);
  expect(cancelled.mail.text).toContain('Found it cheaper.');
});

it('lists what was ordered, with amounts in the currency, in text of at most 72 columns', async () => {
  const cheap = await app.newProduct({ name: 'Screw', sku: 'SCR-5', price_cents: 5, stock: 5000 });
  const dear = await app.newProduct({ name: `A ${'very '.repeat(18)}large lamp`, price_cents: 1_234_567_89 });
  const user = await app.newUser();
  const { body: order } = await user.post('orders', {
    items: [
      { product_id: cheap.id, quantity: 1000 },
      { product_id: dear.id, quantity: 1 },
    ],
    address: `1 Main St, ${'Springfield, '.repeat(12)}`,
  });
  const { mail } = await delivered(`order-${order.id}-1`);
  const lines = (mail.text as string).split('\n');
  expect(lines.filter((line) => line.length > 72)).toEqual([]);
  expect(lines).toContain('Screw (SCR-5)');
  expect(mail.text).toMatch(/^ {2}1000 x \$0\.05 +\$50\.00$/m);
  expect(mail.text).toMatch(/^Total +\$1,234,617\.89$/m);
  expect(mail.html).toContain('1000 × $0.05');
  expect(mail.html).toContain('$1,234,617.89');
});

it('escapes what people typed in HTML, and only there', async () => {
  const person = { name: '<b>Ann</b> & "Co" {{7*7}}', email: 'escaped@example.com', password: PASSWORD };
  await app.admin.post('users', { ...person, role: 'user' });
  const user = await logIn(app.anonymous, person);
  const lamp = await app.newProduct({ name: `<script>alert('x')</script>` });
  const { body: order } = await user.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  const { mail } = await delivered(`order-${order.id}-1`);
  expect(mail.html).toContain('&lt;b&gt;Ann&lt;/b&gt; &amp; &quot;Co&quot; {{7*7}}');
  expect(mail.html).not.toMatch(/<script|<b>/);
  expect(mail.text).toContain(`Hello <b>Ann</b> & "Co" {{7*7}},`);
  expect(mail.text).toContain(`<script>alert('x')</script>`);
});

it('lets nobody add a header, a recipient or a line of the text', async () => {
  const person = {
    name: 'Ann\r\nBcc: evil@example.com\r\n\r\nTotal $0.00',
    email: "o'hara+x@example.com",
    password: PASSWORD,
  };
  expect((await app.admin.post('users', { ...person, role: 'user' })).status).toBe(201);
  const user = await logIn(app.anonymous, person);
  const lamp = await app.newProduct({ name: 'Lamp\r\nTotal $0.00' });
  const { body: order } = await user.post('orders', { items: [{ product_id: lamp.id, quantity: 1 }] });
  await user.patch(`orders/${order.id}/cancel`, { reason: 'x\r\n.\r\nMAIL FROM:<evil@example.com>' });
  const received = await delivered(`order-${order.id}-1`);
  expect(received.to).toEqual([person.email]);
  expect(received.mail.to).toEqual([expect.objectContaining({ address: person.email })]);
  expect(received.mail.headers.map(({ key }) => key)).not.toContain('bcc');
  expect(received.mail.text).not.toMatch(/^Total \$0\.00/m);
  const cancelled = await delivered(`order-${order.id}-2`);
  expect(cancelled.mail.text).toContain('x . MAIL FROM:<evil@example.com>');
});

it('sends a link and a token to whoever forgot the password, and tells of the change', async () => {
  const user = await app.newUser();
  const toUser = (subject: string) =>
    eventually(
      () => smtp.delivered.find(({ to, mail }) => to.includes(user.email) && mail.subject === subject),
      subject,
    );

  await app.anonymous.post('auth/forgot-password', { email: user.email });
  const { mail } = await toUser('Choose a new password');
  const token = /token=([\w-]{43})$/m.exec(mail.text as string)?.[1] as string;
  expect(mail.text).toContain(`\nhttps://shop.example/reset-password?token=${token}\n`);
  expect(mail.text).toContain(`\n${token}\n`);
  expect(mail.html).toContain(`<a class="button" href="https://shop.example/reset-password?token&#x3D;${token}">`);
  expect(mail.html).toContain(`<code>${token}</code>`);

  const new_password = 'a quite different password';
  expect((await app.anonymous.post('auth/reset-password', { token, new_password })).status).toBe(204);
  const changed = await toUser('Your password was changed');
  for (const part of [changed.mail.text, changed.mail.html]) expect(part).toContain(user.email);
});

it('sends nothing about a change that was rolled back', async () => {
  const { lamp, order } = await place({ simulate_outcome: 'failure' });
  await app.admin.post('processing/runs');
  await delivered(`order-${order.id}-3`);
  // The event is written, then the stock turns out to be gone, and with the change the event goes as well.
  await app.admin.post(`products/${lamp.id}/stock`, { delta: -9, reason: 'Broken' });
  expect((await app.admin.patch(`orders/${order.id}/status`, { status: 'pending' })).status).toBe(409);
  const { order: next } = await place();
  await delivered(`order-${next.id}-1`);
  expect(smtp.about(`order-${order.id}-`)).toHaveLength(3);
});
