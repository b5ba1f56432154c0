/** Opaque cursors: positions in the change log, and positions in other paginated lists. */

import { CursorExpiredError, CursorInvalidError } from './errors';

/** A position in the change log, with a check value of the entry at that position. */
export interface LogPosition {
  /** Position of the last entry already delivered. 0 is before the first entry. */
  readonly seq: number;
  /** `Change.nonce` of that entry. 0 before the first entry. `null` if unknown: it is then not checked. */
  readonly nonce: number | null;
}

/** State of the log relative to one position. */
export interface LogState {
  /** The newest entry, even if it was trimmed. */
  readonly head: LogPosition;
  /** The newest entry that was trimmed. */
  readonly floor: LogPosition;
  /** `Change.nonce` of the entry at the position. `null` if the log does not contain it. */
  readonly nonce: number | null;
}

/** Returns the position of an entry without its other fields. */
export function toPosition({ seq, nonce }: LogPosition): LogPosition {
  return { seq, nonce };
}

export const LOG_START: LogPosition = { seq: 0, nonce: 0 };

/**
 * @param logId - Identifies the log, so that a cursor of another database is rejected.
 * @param position - Its nonce lets a log that was restored to an earlier moment reject the cursor.
 */
export function encodeCursor(logId: string, { seq, nonce }: LogPosition): string {
  const check = nonce === null ? '' : `:${nonce.toString(36)}`;
  return Buffer.from(`${logId}:${seq}${check}`).toString('base64url');
}

/**
 * Parses a cursor. Cursors of older releases have no nonce; they are accepted for one more release.
 *
 * @throws {CursorInvalidError} If the cursor does not belong to this log.
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
 * @param state - Relative to `position`.
 * @throws {CursorInvalidError} If the log never contained the entry, for example after a restore to an earlier moment.
 * @throws {CursorExpiredError} If entries after it were trimmed.
 */
export function assertContinues(logId: string, position: LogPosition, state: LogState): void {
  if (!isInLog(position, state)) throw new CursorInvalidError();
  if (position.seq < state.floor.seq) {
    throw new CursorExpiredError(encodeCursor(logId, state.floor));
  }
}

/** Whether the log contains the entry at `position`, or contained it until it was trimmed. */
export function isInLog(position: LogPosition, { head, nonce }: LogState): boolean {
  if (position.seq > head.seq) return false;
  return nonce === null || position.nonce === null || nonce === position.nonce;
}

// ── Page cursors ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Distinguishes page cursors from cursors of the change log. */
const PREFIX = 'page_';

/** @param position - Sort value and ID of the row, as JSON. */
export function encodePageCursor(position: string): string {
  return PREFIX + Buffer.from(position).toString('base64url');
}

/** Cursors of older releases have no prefix; they are accepted for one more release. */
export function decodePageCursor(cursor: string): string {
  const encoded = isPageCursor(cursor) ? cursor.slice(PREFIX.length) : cursor;
  return Buffer.from(encoded, 'base64url').toString('utf8');
}

export function isPageCursor(cursor: string): boolean {
  return cursor.startsWith(PREFIX);
}
