/** Shared encoding: subscribers with equal items share one encoder, which encodes each entry once for all of them. */

import type { Change } from '../domain/change';

export interface FrameEncoder<Frame> {
  /** If it rejects, the subscribers receive the entry from their iterator instead. */
  encode(change: Change): Promise<Frame>;
}

/** Receives the frames of one subscriber. */
export interface FrameSink<Frame = unknown> {
  readonly encoder: FrameEncoder<Frame>;
  /** Sends the frames. Returns false if it cannot now; the iterator then returns the entries. */
  send(frames: readonly Frame[]): boolean;
}

/** Result of `Feed.subscribe`: an iterator that can push to a sink while a `next` call is pending. */
export interface ChangeStream extends AsyncIterableIterator<Change> {
  /** Resolves when the start position is fixed: the stream contains all later commits. */
  readonly started: Promise<void>;
  /** Must be called before the first `next`. */
  pipeTo(sink: FrameSink): void;
  return(): Promise<IteratorReturnResult<undefined>>;
}
