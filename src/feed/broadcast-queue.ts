/** Queue of entries for the subscribers of one encoder. Encodes several entries at a time and pushes them in log order. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Change } from '../domain/change';
import { createSignal } from './signal';

export interface EncodedChange {
  readonly change: Change;
  /** Undefined if encoding failed, or if no recipient was ready for a frame. */
  readonly frame: unknown;
}

export interface RecipientHandler<Recipient> {
  /** Whether the recipient could send a frame now. May change before `push`. */
  isReady(recipient: Recipient): boolean;
  /** @param changes - In log order. */
  push(recipient: Recipient, changes: readonly EncodedChange[]): void;
}

export interface BroadcastQueue<Recipient> {
  add(change: Change, recipients: readonly Recipient[]): void;
  /** Resolves when at most `count` entries are queued. At most one caller may wait at a time. */
  drainTo(count: number): Promise<void>;
}

interface Entry<Recipient> {
  readonly change: Change;
  readonly recipients: readonly Recipient[];
  encoding: Promise<void> | null;
  encoded: EncodedChange | null;
}

/** Maximum number of entries that are encoded at a time. */
const MAX_CONCURRENT = 8;
/** Number of recipients served before the event loop runs other work. */
const RECIPIENTS_PER_TURN = 500;

/** @param onEmpty - Called when all entries were pushed. Nothing may be added afterwards. */
export function createBroadcastQueue<Recipient>(
  encoder: FrameEncoder<unknown>,
  { isReady, push }: RecipientHandler<Recipient>,
  onEmpty: () => void,
): BroadcastQueue<Recipient> {
  const entries: Entry<Recipient>[] = [];
  const pushed = createSignal();

  function startEncoding(): void {
    for (const entry of entries.slice(0, MAX_CONCURRENT)) entry.encoding ??= encode(entry);
  }

  /** Ignores errors: each recipient then computes the item itself, and reports the error to its client. */
  async function encode(entry: Entry<Recipient>): Promise<void> {
    const { change, recipients } = entry;
    const needed = recipients.some(isReady);
    const frame = needed ? await encoder.encode(change).catch(() => undefined) : undefined;
    entry.encoded = { change, frame };
  }

  async function pushAll(encoded: readonly Entry<Recipient>[]): Promise<void> {
    let served = 0;
    for (const [recipient, changes] of groupByRecipient(encoded)) {
      push(recipient, changes);
      served += 1;
      if (served % RECIPIENTS_PER_TURN === 0) await nextTurn();
    }
  }

  async function run(): Promise<void> {
    for (let first = entries[0]; first !== undefined; first = entries[0]) {
      await first.encoding;
      const pending = entries.findIndex(({ encoded }) => encoded === null);
      const encoded = entries.slice(0, pending < 0 ? entries.length : pending);
      await pushAll(encoded);
      entries.splice(0, encoded.length);
      startEncoding();
      pushed.notify();
    }
    onEmpty();
  }

  return {
    add(change, recipients) {
      entries.push({ change, recipients, encoding: null, encoded: null });
      startEncoding();
      if (entries.length === 1) void run();
    },

    async drainTo(count) {
      while (entries.length > count) await pushed.wait();
    },
  };
}

/** Groups the entries, so that each recipient gets them in one call: a socket write costs the same for one as for several. */
function groupByRecipient<Recipient>(
  entries: readonly Entry<Recipient>[],
): ReadonlyMap<Recipient, readonly EncodedChange[]> {
  const groups = new Map<Recipient, EncodedChange[]>();
  for (const { recipients, encoded } of entries) {
    if (encoded === null) continue;
    for (const recipient of recipients) {
      const changes = groups.get(recipient);
      if (changes === undefined) groups.set(recipient, [encoded]);
      else changes.push(encoded);
    }
  }
  return groups;
}

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
