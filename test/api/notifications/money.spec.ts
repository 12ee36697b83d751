import { CURRENCIES, exponentOf } from '../../../src/config/currencies';
import { formatMoney } from '../../../src/notifications/money';
import { startApp } from '../../support/app';
import { eventually } from '../../support/eventually';
import { SmtpSink } from '../../support/smtp';

/** Those of ISO 4217 whose minor unit is not a hundredth, once more: the table of the service may be wrong. */
const OTHERS: Record<number, string[]> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' '),
  3: ['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'],
  4: ['CLF', 'UYW'],
};

it('every currency has the minor units of ISO 4217', () => {
  expect(CURRENCIES.length).toBeGreaterThan(160);
  for (const code of CURRENCIES) {
    const [exponent = 2] = Object.keys(OTHERS).filter((digits) => OTHERS[Number(digits)]?.includes(code));
    expect([code, exponentOf(code)]).toEqual([code, Number(exponent)]);
  }
});

it.each(CURRENCIES)(
  'an amount in %s is told with its minor units, whatever the locale data of the runtime say',
  (code) => {
    for (const amount of [0, 5, 246_912, 9_007_199_254_740_991]) {
      const [, whole = '', fraction = ''] = /(\d[\d,]*)(?:\.(\d+))?/.exec(formatMoney(amount, code)) ?? [];
      expect([code, fraction.length, Number(whole.replaceAll(',', '') + fraction)]).toEqual([
        code,
        exponentOf(code),
        amount,
      ]);
    }
  },
);

it('mails and responses tell an amount in forints right', async () => {
  const smtp = await new SmtpSink().start();
  const app = await startApp({ SMTP_URL: smtp.url, CURRENCY: 'HUF' });
  const lamp = await app.newProduct({ price_cents: 123_456 });
  const { body: order } = await app.admin.post('orders', { items: [{ product_id: lamp.id, quantity: 2 }] });
  expect([order.currency_exponent, lamp.currency_exponent]).toEqual([2, 2]);
  const mail = await eventually(() => smtp.about(`order-${order.id}-1`)[0], 'the mail is out');
  expect(mail.mail.text).toContain('2,469.12');
  await app.close();
  await smtp.stop();
});
