/** The thread that records, on connections of its own. Started by `threaded-recorder.ts`. */

import 'reflect-metadata';
import { parentPort, workerData } from 'node:worker_threads';
import { createKeyRing } from '../../encryption/key-ring';
import { loadDedupDigests } from '../keys/dedup-digests';
import { loadErasureDigests } from '../keys/erasure-digests';
import { openRecordingDatabase } from '../open-database';
import { createDeliveryWriter } from '../write/delivery-writer';
import {
  type Answer,
  packError,
  type Request,
  type Result,
  unpack,
  type WorkerConfig,
} from './worker-messages';

async function main({ database, dataKeys, rules }: WorkerConfig): Promise<void> {
  const keyRing = createKeyRing(dataKeys);
  const recording = await openRecordingDatabase(database);
  const recorder = createDeliveryWriter({
    database: recording,
    keyRing,
    keyed: await loadDedupDigests(recording.writing, keyRing),
    pseudonyms: await loadErasureDigests(recording.writing, keyRing),
    rules,
    clock: () => new Date(),
    onCommit: (deliveries, durationMs) => tell({ kind: 'committed', deliveries, durationMs }),
    onFatal: (error) => tell({ kind: 'fatal', error: packError(error) }),
    onSalvage: (error) => tell({ kind: 'salvaged', error: packError(error) }),
  });
  const results: Result[] = [];
  let release = () => {};

  parentPort?.on('message', (request: Request) => {
    switch (request.kind) {
      case 'deliveries':
        for (const { ticket, delivery } of unpack(request)) {
          recorder.record(delivery).then(
            (outcome) => settle({ ticket, outcome }),
            (error) => settle({ ticket, error: packError(error) }),
          );
        }
        break;
      case 'hold':
        recorder.alone(hold).catch(() => {}); // only once it has failed for good, which is told
        break;
      case 'release':
        release();
        break;
      case 'close':
        void close();
        break;
    }
  });
  tell({ kind: 'ready' });

  /** Those of one group are told together: all of them are settled before the first is sent. */
  function settle(result: Result): void {
    results.push(result);
    if (results.length > 1) return;
    queueMicrotask(() => tell({ kind: 'recorded', results: results.splice(0) }));
  }

  function hold(): Promise<void> {
    return new Promise((resolve) => {
      release = resolve;
      tell({ kind: 'held' });
    });
  }

  async function close(): Promise<void> {
    await recorder.close();
    await recording.close();
    parentPort?.close();
  }
}

function tell(answer: Answer): void {
  parentPort?.postMessage(answer);
}

void main(workerData);
