/** Entry of the writer thread, which has its own connections. `worker-client.ts` starts it. */

import 'reflect-metadata';
import { parentPort, workerData } from 'node:worker_threads';
import { createKeyRing } from '../../encryption/key-ring';
import { loadDedupDigests } from '../keys/dedup-digests';
import { loadErasureDigests } from '../keys/erasure-digests';
import { openRecordingDatabase } from '../open-database';
import { createDeliveryWriter } from '../write/delivery-writer';
import {
  fromBatch,
  type Result,
  toErrorData,
  type WorkerConfig,
  type WorkerRequest,
  type WorkerResponse,
} from './worker-messages';

async function main({ database, dataKeys, rules }: WorkerConfig): Promise<void> {
  const keyRing = createKeyRing(dataKeys);
  const recording = await openRecordingDatabase(database);
  const writer = createDeliveryWriter({
    database: recording,
    keyRing,
    dedupDigests: await loadDedupDigests(recording.writing, keyRing),
    erasureDigests: await loadErasureDigests(recording.writing, keyRing),
    rules,
    clock: () => new Date(),
    onCommit: (deliveries, durationMs) => respond({ kind: 'committed', deliveries, durationMs }),
    onFatal: (error) => respond({ kind: 'fatal', error: toErrorData(error) }),
    onSalvage: (error) => respond({ kind: 'salvaged', error: toErrorData(error) }),
  });
  const results: Result[] = [];
  let resume = () => {};

  parentPort?.on('message', (request: WorkerRequest) => {
    switch (request.kind) {
      case 'deliveries':
        for (const { ticket, delivery } of fromBatch(request)) {
          writer.record(delivery).then(
            (outcome) => respondWith({ ticket, outcome }),
            (error) => respondWith({ ticket, error: toErrorData(error) }),
          );
        }
        break;
      case 'pause':
        writer.alone(pause).catch(() => {}); // rejects only after a failure, which `onFatal` reports
        break;
      case 'resume':
        resume();
        break;
      case 'close':
        void close();
        break;
    }
  });
  respond({ kind: 'ready' });

  /** Sends the results of one group in one message: the writer resolves all of them in the same microtask checkpoint. */
  function respondWith(result: Result): void {
    results.push(result);
    if (results.length > 1) return;
    queueMicrotask(() => respond({ kind: 'recorded', results: results.splice(0) }));
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      resume = resolve;
      respond({ kind: 'paused' });
    });
  }

  async function close(): Promise<void> {
    await writer.close();
    await recording.close();
    parentPort?.close();
  }
}

function respond(response: WorkerResponse): void {
  parentPort?.postMessage(response);
}

void main(workerData);
