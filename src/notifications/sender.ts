import type { Config } from '../config/config';

/** Who writes: what stands in From, and in the mails themselves. */
export interface Sender {
  name: string;
  address: string;
}

/** Reads MAIL_FROM: `orders@example.com`, or `Example Shop <orders@example.com>`. */
export function senderOf({ MAIL_FROM }: Config): Sender {
  const [, name, address] = /^(?:(.*?)\s*<)?([^<>]+)>?$/.exec(MAIL_FROM) as unknown as [string, string?, string?];
  return { name: name || 'Orders', address: address as string };
}
