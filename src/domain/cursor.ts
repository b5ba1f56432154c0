/** An opaque position in the log. The order of cursors is the order of commit. */

import { CursorInvalidError } from './errors';

/**
 * @param logId - Names the log, so that a cursor of another database is refused instead of misread.
 * @param seq - The last position that the holder has seen; 0 is before the first entry.
 */
export function encodeCursor(logId: string, seq: number): string {
  return Buffer.from(`${logId}:${seq}`).toString('base64url');
}

/** @throws {CursorInvalidError} unless `cursor` was made for this log. */
export function decodeCursor(logId: string, cursor: string): number {
  const [id, digits, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split(':');
  const seq = Number(digits);
  const sound = id === logId && /^\d{1,15}$/.test(digits ?? '') && rest.length === 0;
  if (!sound) throw new CursorInvalidError();
  return seq;
}
