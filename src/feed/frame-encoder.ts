/** A way past the iterator, for subscribers who all make the same of an entry: it is made once and sent to each. */

import type { Change } from '../domain/change';

/** Shared by all whose items are equal. */
export interface FrameEncoder<Item> {
  /** Makes of an entry what is sent. If that fails, the subscribers are given the entry itself. */
  make(change: Change): Promise<Item>;
}

/** One subscriber's own end of it. */
export interface FrameSink<Item = unknown> {
  readonly press: FrameEncoder<Item>;
  /** Sends the items, or answers `false`: not now. Then the iterator gives the entries, when it is asked. */
  take(items: readonly Item[]): boolean;
}

/** What `Feed.subscribe` gives: an iterator that need not be asked while the outlet can take what comes. */
export interface ChangeStream extends AsyncIterableIterator<Change> {
  /** Resolves once it is fixed where it begins: what is committed from then on is on it. */
  readonly begun: Promise<void>;
  /** To be called before the first item is asked for. */
  divert(outlet: FrameSink): void;
  return(): Promise<IteratorReturnResult<undefined>>;
}
