/** Reads for a subscriber that is not live: its start position, the user it awaits, and pages of the log. */

import { assertContinues, isInLog, type LogPosition, toPosition } from '../domain/cursor';
import { StoreUnavailableError } from '../domain/errors';
import type { ChangeFilter } from '../store/read/filters';
import { matchesFilter } from './change-filter';
import { addUsersMergedIn, addUsersMergedInStore } from './merged-users';
import type { RecentChanges } from './recent-changes';
import {
  type AwaitedUser,
  end,
  type FeedState,
  goLive,
  type Subscriber,
  setAwaitedUser,
} from './subscriber';

const PAGE_SIZE = 200;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Takes one step towards the head of the log. If the store is unavailable, waits with backoff, or until the tail can read again.
 *
 * @throws any other error, after it has ended the stream: a retry would fail again.
 */
export async function catchUp(subscriber: Subscriber): Promise<void> {
  const { feedState, signal } = subscriber;
  try {
    await takeStep(subscriber);
    subscriber.failures = 0;
  } catch (err) {
    if (!(err instanceof StoreUnavailableError)) {
      end(subscriber);
      throw err;
    }
    feedState.onOutage(err);
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** subscriber.failures, LONGEST_PAUSE_MS);
    subscriber.failures += 1;
    await signal.wait(pauseMs * (0.5 + Math.random() / 2)); // randomized, so that not all read at the same time
  }
}

async function takeStep(subscriber: Subscriber): Promise<void> {
  const { readTo, awaited, signal, feedState } = subscriber;
  const { recentChanges } = feedState;
  if (recentChanges === null) await signal.wait();
  else if (readTo === null) await start(subscriber, recentChanges);
  else if (awaited !== null) await awaitUser(subscriber, awaited, readTo);
  else if (recentChanges.reachesBackTo(readTo.seq)) readRecent(subscriber, recentChanges, readTo);
  else await readStore(subscriber, readTo);
}

/**
 * Sets the start position. Does so only if the store still contains the head of the recent changes after the start position was
 * checked. Otherwise the log was just replaced, and the recent changes belong to the old log.
 */
async function start(subscriber: Subscriber, recentChanges: RecentChanges): Promise<void> {
  const { feedState, signal } = subscriber;
  const position = await loadStartPosition(subscriber);
  await addMergedUsers(subscriber);
  const { head } = feedState;
  const state = await feedState.read.logState(head.seq);
  if (feedState.recentChanges !== recentChanges) return; // starts again
  if (isInLog(head, state)) {
    subscriber.readTo = position;
  } else {
    feedState.wakeTail();
    await signal.wait(LONGEST_PAUSE_MS); // notified when the recent changes are replaced
  }
}

async function loadStartPosition(subscriber: Subscriber): Promise<LogPosition> {
  const { after, initialHead, feedState } = subscriber;
  if (after === undefined) {
    subscriber.initialHead = null; // if it has failed, the next attempt reads the head again
    return (await (initialHead ?? feedState.read.logState())).head;
  }
  const state = await feedState.read.logState(after.seq);
  assertContinues(feedState.logId, after, state);
  return { seq: after.seq, nonce: state.nonce };
}

/** Adds the subscriber to the awaited users before the lookup, so that a user created in between is found by one of them. */
async function awaitUser(
  subscriber: Subscriber,
  awaited: AwaitedUser,
  readTo: LogPosition,
): Promise<void> {
  const { feedState, userIds, signal } = subscriber;
  const { awaitedUsers, read } = feedState;
  if (awaited.userId === null) {
    if (!awaited.indexed) awaitedUsers.add(awaited.externalUserId, subscriber);
    awaited.indexed = true;
    const user = await read.userByExternalId(awaited.externalUserId);
    if (subscriber.ended) awaitedUsers.remove(awaited.externalUserId, subscriber);
    else if (user !== null) setAwaitedUser(subscriber, user.id, readTo);
    else if (awaited.userId === null) await signal.wait();
    return;
  }
  userIds?.add(awaited.userId);
  await addMergedUsers(subscriber);
  subscriber.awaited = null;
}

/** Synchronous, so that no entry can be appended between the last page and `goLive`. */
function readRecent(subscriber: Subscriber, { after }: RecentChanges, position: LogPosition): void {
  const { userIds, queue, feedState } = subscriber;
  const pageSize = getPageSize(feedState);
  const entries = after(position.seq);
  if (userIds !== null) addUsersMergedIn(entries, userIds);
  const filter = getFilter(subscriber);
  const page = entries.filter((change) => matchesFilter(change, filter)).slice(0, pageSize);
  queue.push(...page);
  const last = page.at(-1);
  if (last !== undefined && page.length === pageSize) {
    subscriber.readTo = toPosition(last);
    return;
  }
  subscriber.readTo = position.seq > feedState.head.seq ? position : feedState.head;
  goLive(subscriber);
}

async function readStore(subscriber: Subscriber, position: LogPosition): Promise<void> {
  const { feedState, queue } = subscriber;
  const page = await feedState.read.tail(
    position.seq,
    getPageSize(feedState),
    getFilter(subscriber),
  );
  assertContinues(feedState.logId, position, page.state);
  if (await addMergedUsers(subscriber)) return; // merged during the read: the page may lack entries of the other user
  subscriber.readTo = page.scannedTo;
  queue.push(...page.changes);
}

/** Later merges are in the log itself. Returns whether the filter now has more users. */
async function addMergedUsers({ userIds, feedState }: Subscriber): Promise<boolean> {
  return userIds !== null && (await addUsersMergedInStore(feedState.read, userIds));
}

function getFilter({ filter, userIds }: Subscriber): ChangeFilter {
  return userIds === null ? filter : { ...filter, userIds: [...userIds] };
}

function getPageSize({ queueSize }: FeedState): number {
  return Math.min(PAGE_SIZE, queueSize);
}
