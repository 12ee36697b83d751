import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';

const FAMILY_BYTES = 16;
const SECRET_BYTES = 32;
const TOKEN = /^[\w-]{64}$/;

/** A refresh token as its session knows it. */
export interface RefreshToken {
  /** As the client holds it: 64 opaque characters. */
  text: string;
  /** The same for all tokens of a session (a UUID). */
  family: string;
  /** SHA-256: the only form in which it is stored. */
  hash: Buffer;
}

/**
 * Makes and reads refresh tokens: 16 random bytes that name the family, then a secret of 256 bits. The first secret of a
 * family is random, each further one is an HMAC of the one before. So the successor of a token can be computed again for the
 * client that presents it, while the database holds hashes only, and no successor can be computed without SECRET_KEY.
 */
@Injectable()
export class RefreshTokens {
  private readonly key: Buffer;

  constructor(config: Config) {
    // A key of its own: nothing that SECRET_KEY signs elsewhere can be mistaken for a successor.
    this.key = Buffer.from(hkdfSync('sha256', config.SECRET_KEY as string, '', 'refresh token', 32));
  }

  /** The first token of a new family. */
  first(): RefreshToken {
    return fromBytes(randomBytes(FAMILY_BYTES + SECRET_BYTES));
  }

  /** The token that follows this one; always the same. */
  successor({ text }: RefreshToken): RefreshToken {
    const bytes = Buffer.from(text, 'base64url');
    const secret = createHmac('sha256', this.key).update(bytes).digest();
    return fromBytes(Buffer.concat([bytes.subarray(0, FAMILY_BYTES), secret]));
  }

  /** Reads what a client presents; null for what cannot be a token of ours. */
  read(text: string): RefreshToken | null {
    return TOKEN.test(text) ? fromBytes(Buffer.from(text, 'base64url')) : null;
  }
}

function fromBytes(bytes: Buffer): RefreshToken {
  return {
    text: bytes.toString('base64url'),
    family: bytes.toString('hex', 0, FAMILY_BYTES),
    hash: createHash('sha256').update(bytes).digest(),
  };
}
