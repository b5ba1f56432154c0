/**
 * Shortens long texts of providers in events, attempts and the change log to what new ones have at most. One account with a few
 * hundred texts of 1 MiB each could exhaust the memory of the process that loaded it. The raw body keeps the whole text.
 */

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** In characters. */
const LONGEST_TEXT = 4_096;
/** What a cut leaves of a character outside of the basic plane. */
const HALF_PAIR = /[\ud800-\udbff]$/;
/** Elements of one list. */
const LONGEST_LIST = 100;
/** In bytes: rows with less JSON than this contain no long text. */
const SHORT_JSON = LONGEST_TEXT;

/** Properties that hold what the provider wrote. Ids and names of levels stay as they are. */
const TEXTS = new Set(['message', 'providerCode', 'providerStatus']);

const COLUMNS = [
  ['events', 'body'],
  ['attempts', 'rejection'],
  ['attempts', 'review_reasons'],
  ['changes', 'rejection'],
] as const;

export class LimitTexts1764340000000 implements MigrationInterface {
  readonly name = 'LimitTexts1764340000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [table, column] of COLUMNS) {
      const long: { id: number }[] = await runner.query(
        `SELECT id FROM ${table} WHERE octet_length(${column}) > ${SHORT_JSON}`,
      );
      for (const { id } of long) {
        const [row] = await runner.query(`SELECT ${column} AS json FROM ${table} WHERE id = ?`, [
          id,
        ]);
        await runner.query(`UPDATE ${table} SET ${column} = ? WHERE id = ?`, [
          JSON.stringify(shorten(JSON.parse(row.json))),
          id,
        ]);
      }
    }
  }

  async down(): Promise<void> {
    // The texts are in the raw bodies.
  }
}

function shorten(value: unknown, name?: string): unknown {
  if (typeof value === 'string') {
    return TEXTS.has(name ?? '') ? value.slice(0, LONGEST_TEXT).replace(HALF_PAIR, '') : value;
  }
  if (Array.isArray(value)) return value.slice(0, LONGEST_LIST).map((part) => shorten(part));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shorten(part, key)]));
}
