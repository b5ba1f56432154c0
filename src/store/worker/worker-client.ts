/**
 * Records in a thread of its own, so that folding and writing take no time from those who post, ask and listen. The
 * transactions of everything else run here, on a connection of this thread's, while that one holds still.
 */

import { Worker } from 'node:worker_threads';
import type { RecordOutcome } from '../../domain/delivery';
import { StoreUnavailableError } from '../../domain/errors';
import type { WritingConnection } from '../database/database';
import { createTransaction } from '../database/transaction';
import type { DeliveryWriter, DeliveryWriterOptions } from '../write/delivery-writer';
import {
  type Answer,
  pack,
  packError,
  type Request,
  type Result,
  type Ticketed,
  unpackError,
  type WorkerConfig,
} from './worker-messages';

interface Waiting {
  readonly resolve: (outcome: RecordOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** A group makes a lot that is soon forgotten; in the usual 16 MB it is copied to and fro. */
const LIMITS = { maxYoungGenerationSizeMb: 64 };

/** Resolves when the thread is ready. @param connection - Where transactions run. */
export async function startWorker(
  config: WorkerConfig,
  connection: WritingConnection,
  {
    onCommit,
    onFatal,
    onSalvage,
  }: Pick<DeliveryWriterOptions, 'onCommit' | 'onFatal' | 'onSalvage'>,
): Promise<DeliveryWriter> {
  const thread = new Worker(require.resolve('./worker'), {
    workerData: config,
    resourceLimits: LIMITS,
  });
  const waiting = new Map<number, Waiting>();
  const holding: (() => void)[] = [];
  let asked: Ticketed[] = [];
  let lastTicket = 0;
  let closed: Promise<void> | undefined;
  let dead = false;
  const transaction = createTransaction(connection, die);
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));

  await new Promise<void>((ready, failed) => {
    thread.on('message', (answer: Answer) => {
      if (answer.kind === 'ready') ready();
      else hear(answer);
    });
    thread.on('error', (error) => {
      failed(error);
      die(
        new Error('the thread that records has failed', { cause: unpackError(packError(error)) }),
      );
    });
    thread.on('exit', () => {
      const error = new Error('the thread that records has ended');
      failed(error);
      if (closed === undefined) die(error);
    });
  });

  return {
    record(delivery) {
      if (closed !== undefined || dead) return Promise.reject(new StoreUnavailableError());
      return new Promise((resolve, reject) => {
        lastTicket += 1;
        waiting.set(lastTicket, { resolve, reject });
        asked.push({ ticket: lastTicket, delivery });
        if (asked.length === 1) setImmediate(send);
      });
    },

    async transaction(work) {
      if (closed !== undefined || dead) throw new StoreUnavailableError();
      const held = new Promise<void>((resolve) => holding.push(resolve));
      ask({ kind: 'hold' });
      await held;
      if (dead) throw new StoreUnavailableError();
      try {
        return await transaction(work);
      } finally {
        ask({ kind: 'release' });
      }
    },

    close() {
      closed ??= (async () => {
        send();
        ask({ kind: 'close' });
        await ended;
      })();
      return closed;
    },
  };

  /** What came in together goes together. */
  function send(): void {
    if (asked.length === 0) return;
    const packed = pack(asked);
    asked = [];
    thread.postMessage(packed, [packed.bodies.buffer]);
  }

  function ask(request: Request): void {
    thread.postMessage(request);
  }

  function hear(answer: Exclude<Answer, { kind: 'ready' }>): void {
    switch (answer.kind) {
      case 'recorded':
        answer.results.forEach(settle);
        break;
      case 'committed':
        onCommit?.(answer.deliveries, answer.durationMs);
        break;
      case 'held':
        holding.shift()?.();
        break;
      case 'salvaged':
        onSalvage(unpackError(answer.error));
        break;
      case 'fatal':
        die(unpackError(answer.error));
        break;
    }
  }

  function settle(result: Result): void {
    const { resolve, reject } = waiting.get(result.ticket) ?? {};
    waiting.delete(result.ticket);
    if ('outcome' in result) resolve?.(result.outcome);
    else reject?.(unpackError(result.error));
  }

  function die(error: unknown): void {
    if (dead) return;
    dead = true;
    onFatal(error);
    for (const { reject } of waiting.values()) reject(new StoreUnavailableError({ cause: error }));
    waiting.clear();
    for (const resolve of holding.splice(0)) resolve();
  }
}
