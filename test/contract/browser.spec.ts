import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { PASSWORD, startApp, type TestApp } from '../support/app';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

if (!existsSync(CHROMIUM)) {
  // Silence would look like success. Where the tests must be complete, this is a failure.
  const message = `There is no ${CHROMIUM}: the pages were not tried in a browser (apt-get install chromium).`;
  (process.env.CI ? it : it.skip)(message, () => {
    throw new Error(message);
  });
} else describe('in a browser', inBrowser);

function inBrowser(): void {
  let app: TestApp;
  let browser: Browser;
  let page: Page;
  let elsewhere: string[];
  let complaints: string[];

  beforeAll(async () => {
    app = await startApp({ DEMO_DATA: 'true' });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });

  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    elsewhere = [];
    complaints = [];
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== app.origin && protocol !== 'data:' && protocol !== 'blob:') elsewhere.push(request.url());
    });
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(async () => {
    await page.close();
    // Everything comes from this server, and nothing is missing.
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('Swagger UI logs in with user name and password and places the order that it shows as an example', async () => {
    const { email } = await app.newUser();
    await page.goto(`${app.origin}/docs`);
    await page.click('button.authorize');
    await page.fill('#oauth_username', email);
    await page.fill('#oauth_password', PASSWORD);
    await page.click('[aria-label="Apply given OAuth2 credentials"]');
    await page.getByRole('heading', { name: 'Authorized' }).first().waitFor();
    await page.getByRole('button', { name: 'Close' }).first().click();
    // Whoever has the browser later finds neither the password nor a token.
    expect(await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])')).toBe('[{},{},""]');

    const operation = page.locator('[id="operations-Orders-orders_place"]');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    const answer = operation.locator('.live-responses-table .response');
    await answer.waitFor();

    expect(await answer.locator('.response-col_status').textContent()).toContain('201');
    const order = JSON.parse(String(await answer.locator('code.language-json').textContent()));
    expect(order).toMatchObject({ status: 'pending', total_quantity: 3, address: '1 Main St, Springfield' });
    expect((await app.admin.get(`orders/${order.id}`)).body.number).toBe(order.number);
  });

  it('ReDoc shows every group of operations and finds one by a word', async () => {
    await page.goto(`${app.origin}/redoc`);
    await page.getByRole('heading', { name: /^Order management/ }).waitFor();
    const menu = await page.locator('.menu-content').textContent();
    for (const tag of ['Authentication', 'Products', 'Orders', 'Processing', 'Operation']) expect(menu).toContain(tag);
    await page.getByRole('textbox', { name: /search/i }).fill('history');
    await page.getByRole('menuitem', { name: /History of an order/ }).waitFor();
  });

  it('neither page is as wide as to scroll sideways on a telephone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [path, ready] of [
      ['/docs', '.opblock'],
      ['/redoc', 'h1'],
    ] as const) {
      await page.goto(app.origin + path);
      await page.locator(ready).first().waitFor();
      const tooWide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate(tooWide)).toBe(0);
    }
  });
}
