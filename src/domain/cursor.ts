/** Opaque cursors: positions in the change log, and positions in other paginated lists. */

import { CursorExpiredError, CursorInvalidError } from './errors';

/** A position in the log, with a check of the entry there. */
export interface LogPosition {
  /** Position of the last entry that the holder has seen; 0 is before the first entry. */
  readonly seq: number;
  /** `Change.nonce` of that entry; 0 before the first entry. `null`: unknown, and not checked. */
  readonly nonce: number | null;
}

/** The log as it is now, seen from one position. */
export interface LogState {
  /** The newest entry, even if it has been trimmed. */
  readonly head: LogPosition;
  /** The last entry that has been trimmed. */
  readonly floor: LogPosition;
  /** `Change.nonce` of the entry at the position; `null` if the log does not hold it. */
  readonly nonce: number | null;
}

/** Position of an entry, without the rest of it. */
export function toPosition({ seq, nonce }: LogPosition): LogPosition {
  return { seq, nonce };
}

export const LOG_START: LogPosition = { seq: 0, nonce: 0 };

/**
 * @param logId - Names the log, so that a cursor of another database is refused instead of misread.
 * @param position - Its nonce is the check by which a log that was restored to an earlier moment refuses the cursor.
 */
export function encodeCursor(logId: string, { seq, nonce }: LogPosition): string {
  const check = nonce === null ? '' : `:${nonce.toString(36)}`;
  return Buffer.from(`${logId}:${seq}${check}`).toString('base64url');
}

/**
 * Cursors of releases before the check was added have no nonce. They are accepted for one more release.
 *
 * @throws {CursorInvalidError} unless `cursor` was made for this log.
 */
export function decodeCursor(logId: string, cursor: string): LogPosition {
  const [id, seq = '', check, ...rest] = Buffer.from(cursor, 'base64url')
    .toString('utf8')
    .split(':');
  const valid =
    id === logId &&
    /^\d{1,15}$/.test(seq) &&
    (check === undefined || /^[0-9a-z]{1,10}$/.test(check)) &&
    rest.length === 0;
  if (!valid) throw new CursorInvalidError();
  return { seq: Number(seq), nonce: check === undefined ? null : Number.parseInt(check, 36) };
}

/**
 * Checks that the log continues after `position` without a gap.
 *
 * @param state - Seen from `position`.
 * @throws {CursorInvalidError} if the log never held the entry, which is so after a restore to an earlier moment;
 *   {CursorExpiredError} if entries after it have been trimmed.
 */
export function assertContinues(logId: string, position: LogPosition, state: LogState): void {
  if (!isHeld(position, state)) throw new CursorInvalidError();
  if (position.seq < state.floor.seq) {
    throw new CursorExpiredError(encodeCursor(logId, state.floor));
  }
}

/** Whether the log holds the entry at `position`, or held it until it was trimmed. */
export function isHeld(position: LogPosition, { head, nonce }: LogState): boolean {
  if (position.seq > head.seq) return false;
  return nonce === null || position.nonce === null || nonce === position.nonce;
}

// ── Page cursors ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Distinguishes page cursors from cursors of the change log. */
const PREFIX = 'page_';

/** @param place - Sort value and ID of the row, as JSON. */
export function encodePageCursor(place: string): string {
  return PREFIX + Buffer.from(place).toString('base64url');
}

/** Cursors of releases before the prefix was added are accepted for one more release. */
export function decodePageCursor(cursor: string): string {
  const encoded = isPageCursor(cursor) ? cursor.slice(PREFIX.length) : cursor;
  return Buffer.from(encoded, 'base64url').toString('utf8');
}

export function isPageCursor(cursor: string): boolean {
  return cursor.startsWith(PREFIX);
}
