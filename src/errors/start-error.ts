/** Prevents the start, for a cause that the operator can mend: printed as a sentence, without a stack. Never with a value. */
export class StartError extends Error {}
