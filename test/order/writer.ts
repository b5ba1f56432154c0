/**
 * One instance of the order proof, in its own process. `WRITERS` concurrent writers send events about users of this
 * instance and about users that all instances share. Prints the number of deliveries written.
 *
 * Arguments: database URL, instance number, number of deliveries.
 */

import { loadDatabaseConfig } from '../../src/config/load-config';
import type { IncomingDelivery } from '../../src/domain/delivery';
import type { StatusEvent } from '../../src/domain/event';
import { openStore } from '../../src/store/open-store';
import { storeConfigOf } from '../support/store-config';

const WRITERS = 16;
const STATUSES = ['PENDING', 'IN_PROGRESS', 'APPROVED', 'REJECTED'] as const;
/** One of this many deliveries is about a user that all instances share. */
const SHARED_EVERY = 10;
const SHARED_PEOPLE = 700;

async function main([url = '', instance = '0', count = '0']: readonly string[]): Promise<void> {
  const log = { info() {}, warn() {}, error: console.error, fatal: console.error };
  const store = await openStore(storeConfigOf(loadDatabaseConfig({ DATABASE_URL: url })), log);
  let next = 0;
  let changes = 0;
  let refused = 0;

  async function write(): Promise<void> {
    for (let place = next++; place < Number(count); place = next++) {
      const one = delivery(Number(instance), place);
      for (let kept = false; !kept; ) {
        try {
          const outcome = await store.record(one);
          changes += outcome.changes;
          kept = true;
        } catch (error) {
          if (!isAway(error)) throw error;
          refused += 1; // retries after a pause, like a provider
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    }
  }

  await Promise.all(Array.from({ length: WRITERS }, write));
  await store.close();
  console.log(JSON.stringify({ changes, refused }));
}

function isAway(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'STORE_UNAVAILABLE';
}

function delivery(instance: number, place: number): IncomingDelivery {
  const shared = place % SHARED_EVERY === 0;
  const person = shared
    ? `s${(place / SHARED_EVERY) % SHARED_PEOPLE}`
    : `i${instance}-${Math.floor(place / 4)}`;
  const event: StatusEvent = {
    type: 'STATUS',
    subjectRef: person,
    externalUserId: person,
    level: 'basic',
    levelKind: 'LEVEL',
    providerStatus: 'word',
    status: STATUSES[place % STATUSES.length] ?? 'PENDING',
    occurredAt: `2024-01-01T00:00:00.${String(place * 10 + instance).padStart(9, '0')}Z`,
  };
  return {
    provider: 'sumsub',
    receivedAt: new Date(Date.UTC(2024, 0, 2) + place),
    rawBody: Buffer.from(JSON.stringify({ instance, place })),
    subpath: '',
    trust: 'SIGNED',
    reading: {
      kind: 'EVENTS',
      eventType: 'test',
      duplicateKey: `${instance} ${place}`,
      events: [event],
    },
  };
}

void main(process.argv.slice(2));
