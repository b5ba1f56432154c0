/**
 * The stream behind `statusChanged`: what of the log one subscriber is given.
 *
 * The feed does the work. What is added here: a stream about one user waits for users who do not exist yet, and for an
 * end user it asks anew, at every item, whether it is theirs.
 */

import type { Change } from '../domain/change';
import type { Feed } from '../feed/feed';
import type { ChangeStream } from '../feed/outlet';
import type { Context } from './context';
import { parseLogCursor } from './log-page';
import {
  type StatusChangedArgs,
  type StatusChangeFilter,
  toChangeFilter,
} from './status-change.input';

type Options = Parameters<Feed['subscribe']>[0];

/**
 * Begins where the log stands as of this call, unless `after` says otherwise.
 *
 * @throws {GatewayError} FORBIDDEN or INPUT_INVALID; {CursorInvalidError}, {CursorExpiredError}, the latter also later on
 *   from the stream itself.
 */
export async function watchChanges(
  context: Context,
  args: StatusChangedArgs,
): Promise<AsyncIterableIterator<Change>> {
  context.visibility.assertReads();
  const options: Options = {
    ...startOf(context, args.after ?? null),
    filter: await toChangeFilter(context, args.filter),
  };
  const nobody = options.filter.userIds?.length === 0;
  const awaited = nobody ? await awaitedUser(context, args.filter ?? {}) : null;
  const ofEndUser = context.principal.kind === 'USER';
  if (awaited === null && !ofEndUser) return await begin(context, options);

  const abort = new AbortController();
  const ending = { ...options, signal: abort.signal };
  const stream = await begin(context, awaited === null ? ending : { ...ending, filter: {} });
  const source = awaited === null ? stream : awaitUser(context, awaited, stream, ending);
  return cancelable(ofEndUser ? onlyOwn(context, source) : source, abort);
}

/** Resolves once it is fixed where the stream begins. */
async function begin({ feed }: Context, options: Options): Promise<ChangeStream> {
  const stream = feed.subscribe(options);
  await stream.begun;
  return stream;
}

function startOf(context: Context, after: string | null): Pick<Options, 'afterSeq'> {
  return after === null ? {} : { afterSeq: parseLogCursor(context, after) };
}

/** The external id to wait for, where it alone is asked for and has no user yet; `null`: nobody will ever match. */
async function awaitedUser(context: Context, asked: StatusChangeFilter): Promise<string | null> {
  if (asked.userId) return null;
  const wanted = asked.externalUserId ?? null;
  const { principal } = context;
  if (principal.kind !== 'USER') return wanted;
  const own = wanted === null || wanted === principal.externalUserId;
  return own && !(await context.visibility.self()) ? principal.externalUserId : null;
}

/** Watches the whole log until the user appears, then what is about them, beginning with the entry at hand. */
async function* awaitUser(
  context: Context,
  externalUserId: string,
  wholeLog: AsyncIterable<Change>,
  options: Options,
): AsyncGenerator<Change> {
  for await (const { seq } of wholeLog) {
    const user = await context.store.read.userByExternalId(externalUserId);
    if (!user) continue;
    const userIds = await context.store.read.userIdsMergedInto(user.id);
    const filter = { ...options.filter, userIds };
    yield* context.feed.subscribe({ ...options, filter, afterSeq: seq - 1 });
    return;
  }
}

/** What was an end user's own when they subscribed need not be so for ever. */
async function* onlyOwn(context: Context, source: AsyncIterable<Change>): AsyncGenerator<Change> {
  for await (const change of source) {
    context.renew();
    if (await context.visibility.seesUser(change.userId)) yield change;
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
