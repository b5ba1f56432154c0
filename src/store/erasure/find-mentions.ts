/**
 * Finds deliveries that mention a person and have no identity: malformed ones, and ones of untracked types. Their subject is
 * unknown, so all of them are searched.
 */

import { decryptBody, type EncryptedBody } from '../../encryption/encrypted-body';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { getNames } from '../entities/columns';
import { DeliveryEntity } from '../entities/delivery.entity';

/** Maximum number of bodies in memory. */
const CHUNK = 200;
/** Size of the bodies in memory after which no further one is loaded. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Minimum length of an ID to search bodies for. Shorter ones appear in every message with other meanings. */
const MIN_ID_LENGTH = 3;

/** Matches numbers with so many digits that they have no other meaning. */
const LONG_NUMBER = /^\d{6,}$/;

/** Matches an escaped character of JSON, also of JSON inside a string. */
const ESCAPE = /\\(?:u([0-9a-f]{4})|(.))/gis;

export interface Mentions {
  /** IDs of deliveries. */
  readonly ids: readonly number[];
  /** ID of the last delivery that was searched. */
  readonly lastId: number;
}

/**
 * Finds terms that are whole JSON strings with any escapes, but no field names. Email addresses match in any letter case. IDs
 * shorter than `MIN_ID_LENGTH` match only in paths.
 *
 * @param terms - IDs and email addresses of the person.
 * @param after - Searches only deliveries after this ID.
 */
export async function findMentions(
  connection: Connection,
  keyRing: KeyRing,
  terms: readonly string[],
  after = 0,
): Promise<Mentions> {
  const ids: number[] = [];
  let lastId = after;
  if (terms.length === 0) return { ids, lastId };
  const isMentioned = createMatcher(terms);
  for (;;) {
    const chunk = await findUnassigned(connection, lastId);
    if (chunk.length === 0) return { ids, lastId };
    const rows = await connection.query<UnassignedSql>(
      `SELECT id, subpath, body, ${getNames(DeliveryEntity).bodyKeyId} AS "bodyKeyId" FROM deliveries WHERE id IN (?*)`,
      [chunk],
    );
    for (const { id, subpath, ...encrypted } of rows) {
      const text = toText(tryDecrypt(encrypted, keyRing));
      if (isMentioned(text) || terms.some((term) => isInPath(subpath, term))) ids.push(id);
    }
    lastId = chunk.at(-1) ?? lastId;
  }
}

/** Returns the IDs of as many deliveries as may be in memory together. */
async function findUnassigned(connection: Connection, after: number): Promise<readonly number[]> {
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

type UnassignedSql = Pick<EncryptedBody, 'body' | 'bodyKeyId'> & {
  readonly id: number;
  readonly subpath: string;
};

/** Returns null for a body that fails to decrypt: one that was tampered with must not prevent an erasure. */
function tryDecrypt(
  encrypted: Pick<EncryptedBody, 'body' | 'bodyKeyId'>,
  keyRing: KeyRing,
): Buffer | null {
  try {
    return decryptBody({ ...encrypted, dataKey: null, dataKeyId: null }, keyRing);
  } catch {
    return null;
  }
}

/** Whether a path segment is the term. Status responses contain the account in their path alone. */
function isInPath(subpath: string, term: string): boolean {
  return subpath.split('/').some((part) => part === term || part === encodeURIComponent(term));
}

// ── Terms in a body ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns the body without escapes. It is not parsed, because a malformed body may not be JSON. */
function toText(body: Buffer | null): string {
  if (body === null) return '';
  const text = body.toString('utf8');
  return text.includes('\\') ? text.replace(ESCAPE, unescapeCharacter) : text;
}

function unescapeCharacter(_: string, code: string | undefined, character: string): string {
  return code === undefined ? character : String.fromCharCode(Number.parseInt(code, 16));
}

function createMatcher(terms: readonly string[]): (text: string) => boolean {
  const emails = terms.filter((term) => term.includes('@')).map((term) => term.toLowerCase());
  const ids = terms.filter((term) => !term.includes('@') && term.length >= MIN_ID_LENGTH);
  const [emailPattern, idPattern] = [emails, ids].map((some) => some.map(toPattern).join('|'));
  const email = emailPattern ? new RegExp(emailPattern) : null;
  const id = idPattern ? new RegExp(idPattern) : null;
  return (text) => id?.test(text) === true || email?.test(text.toLowerCase()) === true;
}

/** Excludes field names: an ID that equals one, such as `email`, would match every body. */
function toPattern(term: string): string {
  const exact = term.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return LONG_NUMBER.test(term) ? `(?<!\\d)${exact}(?!\\d)` : `"${exact}"(?!\\s*:)`;
}
