/**
 * Runs the delivery writer in a worker thread, so that projecting and saving do not delay HTTP requests, queries and
 * subscriptions. Other transactions run on the main thread, on its own connection, while the worker is paused.
 *
 * - **starting:** `start` waits for `ready`. A failure rejects it.
 * - **running:** deliveries get a ticket and go to the worker once per turn of the event loop.
 * - **closing:** new calls are rejected. The worker commits what it has, then exits.
 * - **failed:** final. The worker ended or a commit has an unknown outcome: `onFatal` is called once and all calls are rejected.
 */

import { Worker } from 'node:worker_threads';
import type { IncomingDelivery, RecordOutcome } from '../../domain/delivery';
import { StoreUnavailableError } from '../../domain/errors';
import type { WritingConnection } from '../database/database';
import { createTransaction, type Transaction } from '../database/transaction';
import type { DeliveryWriter, DeliveryWriterOptions } from '../write/delivery-writer';
import {
  type Result,
  type Ticketed,
  toBatch,
  toError,
  toErrorData,
  type WorkerConfig,
  type WorkerRequest,
  type WorkerResponse,
} from './worker-messages';

type Callbacks = Pick<DeliveryWriterOptions, 'onCommit' | 'onFatal' | 'onSalvage'>;

interface PendingDelivery {
  readonly resolve: (outcome: RecordOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Each group allocates much short-lived data. With the default of 16 MB, the collector copies it back and forth. */
const LIMITS = { maxYoungGenerationSizeMb: 64 };

/**
 * Starts the worker and resolves when it is ready.
 *
 * @param connection - Connection for transactions of the main thread.
 */
export async function startWorker(
  config: WorkerConfig,
  connection: WritingConnection,
  callbacks: Callbacks,
): Promise<DeliveryWriter> {
  const client = new WorkerClient(config, connection, callbacks);
  await client.ready;
  return client;
}

class WorkerClient implements DeliveryWriter {
  readonly ready: Promise<void>;
  private readonly worker: Worker;
  private readonly callbacks: Callbacks;
  private readonly runTransaction: Transaction;
  private readonly exited: Promise<void>;
  /** Deliveries at the worker or in `unsent`, by ticket. */
  private readonly pending = new Map<number, PendingDelivery>();
  /** Transactions that wait for the worker to pause, in order. */
  private readonly pauses: (() => void)[] = [];
  private unsent: Ticketed[] = [];
  private lastTicket = 0;
  private closing: Promise<void> | undefined;
  private failed = false;

  constructor(config: WorkerConfig, connection: WritingConnection, callbacks: Callbacks) {
    this.callbacks = callbacks;
    this.runTransaction = createTransaction(connection, (error) => this.fail(error));
    const workerData = config;
    this.worker = new Worker(require.resolve('./worker'), { workerData, resourceLimits: LIMITS });
    this.exited = new Promise((resolve) => this.worker.once('exit', () => resolve()));
    this.ready = new Promise((resolve, reject) => {
      this.worker.on('message', (response: WorkerResponse) => {
        if (response.kind === 'ready') resolve();
        else this.receive(response);
      });
      this.worker.on('error', (error) => {
        reject(error);
        this.fail(new Error('The writer thread failed', { cause: toError(toErrorData(error)) }));
      });
      this.worker.on('exit', () => {
        const error = new Error('The writer thread exited');
        reject(error);
        if (this.closing === undefined) this.fail(error);
      });
    });
  }

  record(delivery: IncomingDelivery): Promise<RecordOutcome> {
    if (!this.isRunning()) return Promise.reject(new StoreUnavailableError());
    return new Promise((resolve, reject) => {
      this.lastTicket += 1;
      this.pending.set(this.lastTicket, { resolve, reject });
      this.unsent.push({ ticket: this.lastTicket, delivery });
      if (this.unsent.length === 1) setImmediate(() => this.sendDeliveries());
    });
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isRunning()) throw new StoreUnavailableError();
    const paused = new Promise<void>((resolve) => this.pauses.push(resolve));
    this.send({ kind: 'pause' });
    await paused;
    if (this.failed) throw new StoreUnavailableError();
    try {
      return await this.runTransaction(work);
    } finally {
      this.send({ kind: 'resume' });
    }
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private isRunning(): boolean {
    return this.closing === undefined && !this.failed;
  }

  private async end(): Promise<void> {
    this.sendDeliveries();
    this.send({ kind: 'close' });
    await this.exited;
  }

  private send(request: WorkerRequest): void {
    this.worker.postMessage(request);
  }

  /** Sends all deliveries of this turn of the event loop in one message. */
  private sendDeliveries(): void {
    if (this.unsent.length === 0) return;
    const batch = toBatch(this.unsent);
    this.unsent = [];
    this.worker.postMessage(batch, [batch.bodies.buffer]);
  }

  private receive(response: Exclude<WorkerResponse, { kind: 'ready' }>): void {
    switch (response.kind) {
      case 'recorded':
        for (const result of response.results) this.resolve(result);
        break;
      case 'committed':
        this.callbacks.onCommit?.(response.deliveries, response.durationMs);
        break;
      case 'paused':
        this.pauses.shift()?.();
        break;
      case 'salvaged':
        this.callbacks.onSalvage(toError(response.error));
        break;
      case 'fatal':
        this.fail(toError(response.error));
        break;
    }
  }

  private resolve(result: Result): void {
    const { resolve, reject } = this.pending.get(result.ticket) ?? {};
    this.pending.delete(result.ticket);
    if ('outcome' in result) resolve?.(result.outcome);
    else reject?.(toError(result.error));
  }

  private fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.callbacks.onFatal(error);
    const unavailable = () => new StoreUnavailableError({ cause: error });
    for (const { reject } of this.pending.values()) reject(unavailable());
    this.pending.clear();
    for (const resume of this.pauses.splice(0)) resume();
  }
}
