/**
 * The condition that `search_text` of `alias` contains what stands in `parameter`, whatever its case and however its
 * letters are composed. The grams find candidates by index; the rest is compared in full. See the migration `search`.
 */
export const containsText = (alias: string, parameter: string): string =>
  `(search_grams(${alias}.search_text) @> search_grams(search_fold(${parameter}))
    AND strpos(${alias}.search_text, search_fold(${parameter})) > 0)`;
