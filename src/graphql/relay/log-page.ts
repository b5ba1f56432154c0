/** Pages of the change log. They use the cursors of the log, as subscriptions do. */

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
 * Converts page arguments for the store.
 *
 * @throws {CursorExpiredError} If entries after `after` have been trimmed.
 * @throws {CursorInvalidError} If a cursor belongs to another log, or to an entry that this log does not contain.
 * @throws {GatewayError} CURSOR_INVALID for a page cursor, INPUT_INVALID for a size out of range.
 */
export async function toLogPage(context: Context, args: PageArgs): Promise<Page> {
  const { after, before, ...size } = toPage(args);
  const toPosition = (cursor: string) => parseLogCursor(context, cursor);
  if (after !== undefined) await assertContinuous(context, toPosition(after));
  return {
    ...size,
    ...(after !== undefined && { after: toPageCursor(toPosition(after)) }),
    ...(before !== undefined && { before: toPageCursor(toPosition(before)) }),
  };
}

/**
 * @throws {CursorInvalidError} If the cursor belongs to another log.
 * @throws {GatewayError} CURSOR_INVALID for a page cursor.
 */
export function parseLogCursor({ store }: Context, cursor: string): LogPosition {
  if (isPageCursor(cursor)) {
    throw new GatewayError(
      'CURSOR_INVALID',
      'This is the cursor of a page. Provide a cursor of the change log: `cursor` of a status change or of a query.',
    );
  }
  return decodeCursor(store.logId, cursor);
}

/** Prevents a client from skipping entries that were trimmed, or lost in a restore. */
async function assertContinuous({ store, read }: Context, position: LogPosition): Promise<void> {
  assertContinues(store.logId, position, await read.logState(position.seq));
}

function toPageCursor({ seq }: LogPosition): string {
  return encodePageCursor(JSON.stringify([seq, seq]));
}
