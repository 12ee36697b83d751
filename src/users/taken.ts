import { violatedConstraint } from '../errors/database-errors';
import { DomainError } from '../errors/domain-error';

/** Says what is taken when a unique index of the users refuses a write; rethrows any other error. */
export function rejectTaken(error: unknown): never {
  const constraint = violatedConstraint(error);
  if (constraint === 'users_email')
    throw new DomainError('EMAIL_TAKEN', 'There is already an account with this e-mail.');
  if (constraint === 'users_username') throw new DomainError('USERNAME_TAKEN', 'This username is taken.');
  throw error;
}
