import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a search looks in. */
const SEARCHED = { users: ['name', 'email', 'username'], products: ['name', 'sku'] };

/**
 * A search for any part of a text, by index, whatever locale and extensions the database has. `search_fold` makes letters
 * comparable: composed, and in lower case by ICU, because the locale C knows ASCII only. `search_grams` are all parts of one
 * to three characters: a text can contain another only if it has all of its grams.
 */
export class Search1770000404000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const icu = await runner.query(`SELECT FROM pg_collation WHERE collname = 'und-x-icu'`);
    await runner.query(`
      CREATE FUNCTION search_fold(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT lower(normalize(content, NFC)${icu.length > 0 ? ' COLLATE "und-x-icu"' : ''}) COLLATE "C"
      $$;
      CREATE FUNCTION search_grams(folded text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT coalesce(array_agg(substr(folded, start, size)), '{}')
        FROM generate_series(1, length(folded)) AS start, generate_series(1, 3) AS size
      $$;
    `);
    for (const [table, columns] of Object.entries(SEARCHED)) {
      const folded = (row: string) => `search_fold(concat_ws(E'\\n', ${columns.map((column) => row + column).join()}))`;
      await runner.query(`
        ALTER TABLE ${table} ADD search_text text COLLATE "C" NOT NULL DEFAULT '';
        UPDATE ${table} SET search_text = ${folded('')};
        CREATE FUNCTION ${table}_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN NEW.search_text := ${folded('NEW.')}; RETURN NEW; END
        $$;
        CREATE TRIGGER ${table}_search_text BEFORE INSERT OR UPDATE OF ${columns.join()} ON ${table}
          FOR EACH ROW EXECUTE FUNCTION ${table}_search_text();
      `);
      await runner.query(`CREATE INDEX ${table}_search ON ${table} USING gin (search_grams(search_text))`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of Object.keys(SEARCHED)) {
      await runner.query(`
        DROP TRIGGER ${table}_search_text ON ${table};
        DROP FUNCTION ${table}_search_text();
        DROP INDEX ${table}_search;
        ALTER TABLE ${table} DROP search_text;
      `);
    }
    await runner.query('DROP FUNCTION search_grams(text); DROP FUNCTION search_fold(text)');
  }
}
