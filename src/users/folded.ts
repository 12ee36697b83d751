/**
 * The SQL that folds the case of an e-mail or username: the only place that does. ASCII letters only, whatever the collation
 * of the database: neither can have others. The unique indexes are on the same expression.
 */
export const folded = (expression: string) => `lower(${expression} COLLATE "C")`;
