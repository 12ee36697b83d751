import { Client, type ClientConfig } from 'pg';

/**
 * A connection that the server may end at any moment. The pool listens for that while nobody has the connection, and its
 * borrowers do while they have it; but an end that arrives together with the answer before, just as the connection goes
 * from the one to the other, would find nobody and end the process.
 */
export class Connection extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    this.on('error', () => {});
  }
}
