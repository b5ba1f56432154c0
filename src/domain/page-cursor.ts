/** Cursors of pages, in lists other than the change log. */

/** Tells them from cursors of the change log. */
const PREFIX = 'page_';

/** @param place - What the list is sorted by and the id, as JSON. */
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
