import { SetMetadata } from '@nestjs/common';

/** The body of a request, parsed and not yet validated. */
type Body = Record<string, unknown>;

/** Whether a request with this body is counted. */
export type Counts = (body: Body) => boolean;

export const GUESS = 'rate-limit:guess';
export const TOKEN = 'rate-limit:token';

/** Limits a route that can be used to guess, by address: `credentials`. */
export const LimitGuesses = (counts: Counts = () => true) => SetMetadata(GUESS, counts);

/** Limits a route that trades one token for another, by address: `tokens`. */
export const LimitTokens = (counts: Counts = () => true) => SetMetadata(TOKEN, counts);
