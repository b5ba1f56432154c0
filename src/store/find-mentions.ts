/**
 * Finds kept bytes that speak of a person and belong to no account: what could not be read, what is about nothing we track.
 * Whom they concern nobody has noted, so all of them are looked through.
 */

import type { Connection } from './database';
import type { KeyRing } from './key-ring';
import { openBody, type SealedBody } from './sealed-body';

/** Bodies that are in memory at a time. */
const CHUNK = 200;

/** As many digits as no number has that means something else. */
const LONG_NUMBER = /^\d{6,}$/;

export interface Mentions {
  readonly ids: readonly number[];
  /** Up to which all were looked through. */
  readonly reached: number;
}

/**
 * @param words - Ids and addresses of the person, found where they stand as whole JSON texts.
 * @param after - Only deliveries behind this one.
 */
export async function findMentions(
  connection: Connection,
  keyRing: KeyRing,
  words: readonly string[],
  after = 0,
): Promise<Mentions> {
  const needles = words.flatMap(needlesOf);
  const ids: number[] = [];
  let reached = after;
  if (needles.length === 0) return { ids, reached };
  for (;;) {
    const rows = await connection.query<OrphanSql>(
      `SELECT id, subpath, body, body_key_id AS "bodyKeyId" FROM deliveries
        WHERE identity_id IS NULL AND id > ? ORDER BY id LIMIT ${CHUNK}`,
      [reached],
    );
    for (const { id, subpath, ...sealed } of rows) {
      const body = bodyOf(sealed, keyRing);
      const mentioned =
        words.some((word) => isInPath(subpath, word)) ||
        needles.some((needle) => body?.includes(needle));
      if (mentioned) ids.push(id);
    }
    reached = rows.at(-1)?.id ?? reached;
    if (rows.length < CHUNK) return { ids, reached };
  }
}

type OrphanSql = Pick<SealedBody, 'body' | 'bodyKeyId'> & {
  readonly id: number;
  readonly subpath: string;
};

/** `null` also for one that was tampered with: nobody can read it, and it must keep nobody from being erased. */
function bodyOf(sealed: Pick<SealedBody, 'body' | 'bodyKeyId'>, keyRing: KeyRing): Buffer | null {
  try {
    return openBody({ ...sealed, dataKey: null, dataKeyId: null }, keyRing);
  } catch {
    return null;
  }
}

/** An account whose state was asked for is named in the path alone. */
function isInPath(subpath: string, word: string): boolean {
  return subpath.split('/').some((part) => part === word || part === encodeURIComponent(word));
}

function needlesOf(word: string): readonly string[] {
  return LONG_NUMBER.test(word) ? [word] : [JSON.stringify(word)];
}
