/** The proof of the log's order, short. `npm run drill:order` holds it at length. */

import { createTestDatabase, ENGINE } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { proveOrder } from './order-proof';

const disposal = createDisposal();

/** SQLite is for one instance; that a few do no harm there is held as well. */
const INSTANCES = ENGINE === 'postgres' ? 4 : 2;

it('every reader sees every change once, in order, however many instances write', async () => {
  const { config, url, drop } = await createTestDatabase('NOTHING');
  disposal.defer(drop);
  const { readers, log, changes, deliveries } = await proveOrder(config, url, INSTANCES, 400);
  expect(deliveries).toBe(INSTANCES * 400);
  expect(changes).toBeGreaterThan(deliveries / 2);
  expect(log).toEqual({ rows: changes, highest: changes, head: changes });
  expect(readers).toHaveLength(4);
  for (const reader of readers) {
    expect(reader).toEqual({ seen: changes, skipped: 0, repeated: 0, disordered: 0 });
  }
}, 120_000);
