import type { PreparedQuery } from '../../database/prepared-statement';

/** What a mail about an order (`$1`) tells, in one round trip. SQL, because orders know notifications and not the reverse. */
export const ORDER_MAIL: PreparedQuery = {
  name: 'order-mail',
  text: `
    SELECT o.number, o.currency, o.total_amount_cents, o.address, o.created_at, u.name, u.email, u.email_confirmed_at IS NOT NULL AS proved,
      (SELECT json_agg(json_build_object(
         'name', product_name, 'sku', sku, 'quantity', quantity,
         'price_cents', price_cents_at_purchase, 'total_cents', line_total_cents) ORDER BY id)
       FROM order_items WHERE order_id = o.id) AS items
    FROM orders o JOIN users u ON u.id = o.user_id
    WHERE o.id = $1`,
};

export interface OrderMailRow {
  number: string;
  currency: string;
  total_amount_cents: number;
  address: string | null;
  created_at: string;
  name: string;
  email: string;
  /** Whether the owner of the address has confirmed it. */
  proved: boolean;
  items: { name: string; sku: string | null; quantity: number; price_cents: number; total_cents: number }[];
}
