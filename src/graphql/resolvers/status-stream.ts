/**
 * The stream behind `statusChanged`: what of the log one subscriber is given.
 *
 * The feed does the work. What is added here: a stream about one user may wait for a user who does not exist yet, and for
 * an end user each item is checked again for whether it is theirs.
 */

import type { Change } from '../../domain/change';
import type { Feed } from '../../feed/feed';
import type { ChangeStream } from '../../feed/frame-encoder';
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
 * Begins where the log stands as of this call, unless `after` says otherwise.
 *
 * @throws {GatewayError} FORBIDDEN or INPUT_INVALID; {CursorInvalidError}, {CursorExpiredError}, the latter two also
 *   later on from the stream itself.
 */
export async function subscribeToChanges(
  context: Context,
  args: StatusChangedArgs,
): Promise<AsyncIterableIterator<Change>> {
  context.refresh(); // opening may be retried, and a view remembers what failed
  context.visibility.assertCanRead();
  const filter = await toChangeFilter(context, args.filter);
  const matchesNoUser = filter.userIds?.length === 0;
  const awaited = matchesNoUser ? await findAwaitedUser(context, args.filter ?? {}) : null;
  const options: Options = {
    ...toStart(context, args.after ?? null),
    ...(awaited === null ? {} : { awaited }),
    filter,
  };
  if (context.principal.kind !== 'USER') return await openStream(context, options);

  const abort = new AbortController();
  const stream = await openStream(context, { ...options, signal: abort.signal });
  return cancelable(filterOwn(context, stream, abort.signal), abort);
}

/** Resolves once it is fixed where the stream begins. */
async function openStream({ feed }: Context, options: Options): Promise<ChangeStream> {
  const stream = feed.subscribe(options);
  await stream.begun;
  return stream;
}

function toStart(context: Context, after: string | null): Pick<Options, 'after'> {
  return after === null ? {} : { after: parseLogCursor(context, after) };
}

/** The external id to wait for, where it alone is asked for and has no user yet; `null`: nobody will ever match. */
async function findAwaitedUser(
  context: Context,
  asked: StatusChangeFilter,
): Promise<string | null> {
  if (asked.userId) return null;
  const wanted = asked.externalUserId ?? null;
  const { principal } = context;
  if (principal.kind !== 'USER') return wanted;
  const own = wanted === null || wanted === principal.externalUserId;
  return own && !(await context.visibility.ownUser()) ? principal.externalUserId : null;
}

/** What was an end user's own when they subscribed need not be so for ever. */
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

/** Ends at once on `return()`, also while an item is awaited; a generator alone would wait for that item first. */
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
