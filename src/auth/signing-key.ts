import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Config } from '../config/config';

/**
 * The key of the access tokens. A key object: from text the JWT library would make one for every token, after trying to read
 * it as a public key, which cost more than a third of the time of placing an order.
 */
export function signingKey(config: Config): KeyObject {
  return createSecretKey(Buffer.from(config.SECRET_KEY as string));
}
