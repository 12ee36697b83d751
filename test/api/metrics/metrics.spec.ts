import { startApp, type TestApp } from '../../support/app';
import { eventually } from '../../support/eventually';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ METRICS_TOKEN: 'a token for the scraper', PROCESSING_DURATION_MS: '4000' });
});
afterAll(() => app.close());

const scraper = () => app.anonymous.with({ authorization: 'Bearer a token for the scraper' });

it('asks for its token', async () => {
  for (const client of [app.anonymous, app.admin, scraper().with({ authorization: 'Bearer another token' })]) {
    const { status, body, headers } = await client.get('/metrics');
    expect([status, body.code, headers.get('www-authenticate')]).toEqual([401, 'UNAUTHENTICATED', expect.any(String)]);
  }
});

it('shows the orders, the queues and this process to Prometheus, and the orders to those who ask for JSON', async () => {
  const user = await app.newUser();
  const lamp = await app.newProduct({ stock: 10 });
  const order = { items: [{ product_id: lamp.id, quantity: 1 }] };
  const placed = await user.post('orders', order);
  await user.post('orders', { ...order, simulate_outcome: 'failure' });
  await app.admin.post('processing/runs');
  await eventually(async () => (await user.get('orders?status=processing')).body.total === 2, 'both are in processing');
  await app.sql("UPDATE orders SET processing_started_at = processing_started_at - interval '1 minute'");
  await eventually(
    async () => (await user.get('orders?status=completed&status=failed')).body.total === 2,
    'both are processed',
  );
  await user.post('orders', order);
  await user.get(`orders/${placed.body.id}`);
  await user.get('no-such-page');

  const { body: figures } = await scraper().with({ accept: 'application/json' }).get('/metrics');
  expect(figures).toMatchObject({
    total_orders: 3,
    pending_orders: 1,
    processing_orders: 0,
    completed_orders: 1,
    failed_orders: 1,
  });
  expect(figures.average_processing_time).toBeGreaterThan(60);

  const { body: text, headers } = await scraper().get('/metrics');
  expect(headers.get('content-type')).toContain('text/plain; version=0.0.4');
  for (const line of [
    'orders{status="pending"} 1',
    'orders{status="completed"} 1',
    'http_requests_total{method="GET",route="/api/v1/orders/:id",status="200"} 1',
    'http_requests_total{method="GET",route="unknown",status="404"} 1',
    // From the first claim on, whoever made it.
    'order_processing_seconds_bucket{le="60",outcome="success"} 0',
    'order_processing_seconds_bucket{le="300",outcome="success"} 1',
    'order_processing_seconds_count{outcome="failure"} 1',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  for (const name of [
    'orders_oldest_waiting_seconds',
    'outbox_events',
    'database_pool',
    'nodejs_eventloop_lag_seconds',
    'mails_total',
    'rate_limit_refusals_total',
  ])
    expect(text).toContain(`# TYPE ${name} `);
  expect(text).not.toContain(`/orders/${placed.body.id}`);
});
