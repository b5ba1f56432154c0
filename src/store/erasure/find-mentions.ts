/**
 * Finds kept bytes that speak of a person and belong to no account: what could not be read, what is about nothing we track.
 * Whom they concern nobody has noted, so all of them are looked through.
 */

import { decryptBody, type EncryptedBody } from '../../encryption/encrypted-body';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';

/** Bodies that are in memory at a time: so many, and no more than one beyond so many bytes. */
const CHUNK = 200;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** An id of fewer characters stands in every message, and means something else. */
const TELLING_LENGTH = 3;

/** As many digits as no number has that means something else. */
const LONG_NUMBER = /^\d{6,}$/;

/** How JSON may spell a character, also within JSON that stands in a text. */
const ESCAPE = /\\(?:u([0-9a-f]{4})|(.))/gis;

export interface Mentions {
  readonly ids: readonly number[];
  /** Up to which all were looked through. */
  readonly reached: number;
}

/**
 * @param words - Ids and e-mail addresses of the person, found where they stand as whole JSON texts, but for names of fields,
 *   however they are escaped; addresses in whatever case. Ids that are too short to tell a person are found in paths alone.
 * @param after - Only deliveries behind this one.
 */
export async function findMentions(
  connection: Connection,
  keyRing: KeyRing,
  words: readonly string[],
  after = 0,
): Promise<Mentions> {
  const ids: number[] = [];
  let reached = after;
  if (words.length === 0) return { ids, reached };
  const speaksOfThem = matcherOf(words);
  for (;;) {
    const orphans = await nextOrphans(connection, reached);
    if (orphans.length === 0) return { ids, reached };
    const rows = await connection.query<OrphanSql>(
      `SELECT id, subpath, body, body_key_id AS "bodyKeyId" FROM deliveries WHERE id IN (?*)`,
      [orphans],
    );
    for (const { id, subpath, ...sealed } of rows) {
      const text = textOf(bodyOf(sealed, keyRing));
      if (speaksOfThem(text) || words.some((word) => isInPath(subpath, word))) ids.push(id);
    }
    reached = orphans.at(-1) ?? reached;
  }
}

/** @returns the ids of as many as may be in memory together. */
async function nextOrphans(connection: Connection, after: number): Promise<readonly number[]> {
  const rows = await connection.query<{ id: number; size: number }>(
    `SELECT id, length(body) AS size FROM deliveries
      WHERE identity_id IS NULL AND id > ? ORDER BY id LIMIT ${CHUNK}`,
    [after],
  );
  const ids: number[] = [];
  let bytes = 0;
  for (const { id, size } of rows) {
    if (bytes >= CHUNK_BYTES) break;
    bytes += size;
    ids.push(id);
  }
  return ids;
}

type OrphanSql = Pick<EncryptedBody, 'body' | 'bodyKeyId'> & {
  readonly id: number;
  readonly subpath: string;
};

/** `null` also for one that was tampered with: nobody can read it, and it must keep nobody from being erased. */
function bodyOf(
  sealed: Pick<EncryptedBody, 'body' | 'bodyKeyId'>,
  keyRing: KeyRing,
): Buffer | null {
  try {
    return decryptBody({ ...sealed, dataKey: null, dataKeyId: null }, keyRing);
  } catch {
    return null;
  }
}

/** An account whose state was asked for is named in the path alone. */
function isInPath(subpath: string, word: string): boolean {
  return subpath.split('/').some((part) => part === word || part === encodeURIComponent(word));
}

// ── Words in a body ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Read as text, not as JSON: what lies in quarantine may be none. */
function textOf(body: Buffer | null): string {
  if (body === null) return '';
  const text = body.toString('utf8');
  return text.includes('\\') ? text.replace(ESCAPE, plainly) : text;
}

function plainly(_: string, code: string | undefined, character: string): string {
  return code === undefined ? character : String.fromCharCode(Number.parseInt(code, 16));
}

function matcherOf(words: readonly string[]): (text: string) => boolean {
  const addresses = words.filter((word) => word.includes('@')).map((word) => word.toLowerCase());
  const ids = words.filter((word) => !word.includes('@') && word.length >= TELLING_LENGTH);
  const [ofAddress, ofId] = [addresses, ids].map((some) => some.map(patternOf).join('|'));
  const address = ofAddress ? new RegExp(ofAddress) : null;
  const id = ofId ? new RegExp(ofId) : null;
  return (text) => id?.test(text) === true || address?.test(text.toLowerCase()) === true;
}

/** An id that is a word of the vendor's, such as `email`, names a field in every body. */
function patternOf(word: string): string {
  const exactly = word.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return LONG_NUMBER.test(word) ? `(?<!\\d)${exactly}(?!\\d)` : `"${exactly}"(?!\\s*:)`;
}
