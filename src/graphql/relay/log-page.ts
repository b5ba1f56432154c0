/** Pages of the change log. Their cursors are those of the log, the same that subscriptions take. */

import {
  assertContinues,
  decodeCursor,
  encodePageCursor,
  isPageCursor,
  type LogPosition,
} from '../../domain/cursor';
import { GatewayError } from '../../domain/errors';
import type { Page } from '../../store/read/filters';
import type { Context } from '../request/context';
import { type PageArgs, toPage } from './page';

/**
 * The page as the store understands it.
 *
 * @throws {CursorExpiredError} if entries after `after` have been trimmed; {CursorInvalidError} for a cursor of another
 *   log, or of an entry that this one does not hold; {GatewayError} CURSOR_INVALID for a page cursor, INPUT_INVALID for a wrong size.
 */
export async function toLogPage(context: Context, args: PageArgs): Promise<Page> {
  const { after, before, ...size } = toPage(args);
  const place = (cursor: string) => parseLogCursor(context, cursor);
  if (after !== undefined) await assertContinuous(context, place(after));
  return {
    ...size,
    ...(after !== undefined && { after: toPageCursor(place(after)) }),
    ...(before !== undefined && { before: toPageCursor(place(before)) }),
  };
}

/** @throws {CursorInvalidError}; {GatewayError} CURSOR_INVALID for a page cursor. */
export function parseLogCursor({ store }: Context, cursor: string): LogPosition {
  if (isPageCursor(cursor)) {
    throw new GatewayError(
      'CURSOR_INVALID',
      'This is the cursor of a page. Provide a cursor of the change log: `cursor` of a status change or of a query.',
    );
  }
  return decodeCursor(store.logId, cursor);
}

/** Without this check, a client that catches up would skip what has been trimmed, or lost in a restore. */
async function assertContinuous({ store, read }: Context, position: LogPosition): Promise<void> {
  assertContinues(store.logId, position, await read.logState(position.seq));
}

function toPageCursor({ seq }: LogPosition): string {
  return encodePageCursor(JSON.stringify([seq, seq]));
}
