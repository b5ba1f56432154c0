/** Pages of the change log. Their cursors are those of the log, the same that subscriptions take. */

import { decodeCursor, encodeCursor } from '../domain/cursor';
import { CursorExpiredError, CursorInvalidError, GatewayError } from '../domain/errors';
import { encodePageCursor, isPageCursor } from '../domain/page-cursor';
import type { Page } from '../store/store';
import type { Context } from './context';
import { type PageArgs, toPage } from './page';

/**
 * The page as the store understands it.
 *
 * @throws {CursorExpiredError} if entries after `after` have been trimmed; {CursorInvalidError} for a cursor of another
 *   log, or ahead of this one; {GatewayError} CURSOR_INVALID for a page cursor, INPUT_INVALID for a wrong size.
 */
export async function toLogPage(context: Context, args: PageArgs): Promise<Page> {
  const { after, before, ...size } = toPage(args);
  const place = (cursor: string) => parseLogCursor(context, cursor);
  if (after !== undefined) await assertContinues(context, place(after));
  return {
    ...size,
    ...(after !== undefined && { after: toPageCursor(place(after)) }),
    ...(before !== undefined && { before: toPageCursor(place(before)) }),
  };
}

/** @throws {CursorInvalidError}; {GatewayError} CURSOR_INVALID for a page cursor. */
export function parseLogCursor({ store }: Context, cursor: string): number {
  if (isPageCursor(cursor)) {
    throw new GatewayError(
      'CURSOR_INVALID',
      'This is the cursor of a page. Provide a cursor of the change log: `cursor` of a status change or of a query.',
    );
  }
  return decodeCursor(store.logId, cursor);
}

/** Without this check, a client that catches up would skip what has been trimmed. */
async function assertContinues({ store, read }: Context, seq: number): Promise<void> {
  if (seq > (await read.head())) throw new CursorInvalidError();
  const floor = await read.logFloor();
  if (seq < floor) throw new CursorExpiredError(encodeCursor(store.logId, floor));
}

function toPageCursor(seq: number): string {
  return encodePageCursor(JSON.stringify([seq, seq]));
}
