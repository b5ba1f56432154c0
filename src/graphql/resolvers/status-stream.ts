/**
 * The source stream of `statusChanged`: a feed subscription with two additions. A subscription to one user may start before
 * the user exists, and every item for an end user is checked again, because a user can be moved or merged.
 */

import type { Change } from '../../domain/change';
import type { ChangeStream } from '../../feed/broadcast-queue';
import type { Feed } from '../../feed/feed';
import {
  type StatusChangedArgs,
  type StatusChangeFilter,
  toChangeFilter,
} from '../inputs/status-change.input';
import { parseLogCursor } from '../relay/log-page';
import type { Context } from '../request/context';
import { retryTransient } from '../request/transient';

type Options = Parameters<Feed['subscribe']>[0];

/**
 * Opens a stream of the changes after `after`. Default: after the current head of the log.
 *
 * @throws {GatewayError} FORBIDDEN or INPUT_INVALID.
 * @throws {CursorInvalidError} Also from the stream.
 * @throws {CursorExpiredError} Also from the stream.
 */
export async function subscribeToChanges(
  context: Context,
  args: StatusChangedArgs,
): Promise<AsyncIterableIterator<Change>> {
  context.refresh(); // this call may be a retry, and a view caches failed reads
  context.visibility.assertCanRead();
  const filter = await toChangeFilter(context, args.filter);
  const matchesNoUser = filter.userIds?.length === 0;
  const awaitedUser = matchesNoUser ? await findAwaitedUser(context, args.filter ?? {}) : null;
  const options: Options = {
    ...toStart(context, args.after ?? null),
    ...(awaitedUser === null ? {} : { awaitedUser }),
    filter,
  };
  if (context.principal.kind !== 'USER') return await openStream(context, options);

  const abort = new AbortController();
  const stream = await openStream(context, { ...options, signal: abort.signal });
  return cancelable(filterOwn(context, stream, abort.signal), abort);
}

/** Resolves when the start position of the stream is fixed. */
async function openStream({ feed }: Context, options: Options): Promise<ChangeStream> {
  const stream = feed.subscribe(options);
  await stream.started;
  return stream;
}

function toStart(context: Context, after: string | null): Pick<Options, 'after'> {
  return after === null ? {} : { after: parseLogCursor(context, after) };
}

/** Returns the external user ID to wait for, if the filter selects only it. Returns null if no later user can match. */
async function findAwaitedUser(
  context: Context,
  filter: StatusChangeFilter,
): Promise<string | null> {
  if (filter.userId) return null;
  const externalUserId = filter.externalUserId ?? null;
  const { principal } = context;
  if (principal.kind !== 'USER') return externalUserId;
  const isOwn = externalUserId === null || externalUserId === principal.externalUserId;
  return isOwn && !(await context.visibility.ownUser()) ? principal.externalUserId : null;
}

/** Passes on only the changes that still belong to the end user. */
async function* filterOwn(
  context: Context,
  source: AsyncIterable<Change>,
  ended: AbortSignal,
): AsyncGenerator<Change> {
  const isOwn = ({ userId }: Change) => {
    context.refresh();
    return context.visibility.canSeeUser(userId);
  };
  for await (const change of source) {
    if (await retryTransient(() => isOwn(change), { isOver: () => ended.aborted })) yield change;
  }
}

/** Ends immediately on `return()`, even while an item is pending. A generator would wait for that item first. */
function cancelable(
  source: AsyncIterator<Change>,
  abort: AbortController,
): AsyncIterableIterator<Change> {
  return {
    next: () => source.next(),
    async return() {
      abort.abort();
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
