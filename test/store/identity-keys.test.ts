/** Tests that deleting the data key of an identity makes its data unreadable. */

import { change, query } from '../support/databases';
import { openTestStore } from './open-test-store';
import { delivery, paycaddy } from './provider-deliveries';

const NOW = new Date('2024-06-01T12:00:00Z');
const PROFILE = { age: '33' };

it('makes the data of an identity without a key unreadable, and no other data', async () => {
  const { store, database } = await openTestStore();
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-1', 1), NOW));
  await store.record(delivery('paycaddy', paycaddy('verified', 'user-2', 1), NOW));
  await change(database, 'DELETE FROM identity_keys WHERE identity_id = 1');
  expect(await store.read.profilesOf([1, 2])).toMatchObject([null, PROFILE]);
  const [gone, left] = await store.read.rawBodiesOf([1, 2]);
  expect(gone).toBeNull();
  expect(left?.toString()).toContain('user-2');
  const replayed = await store.replay({
    selection: {},
    dryRun: false,
    changeActor: 'test',
    auditActor: 'test',
    now: NOW,
    reread: () => ({ kind: 'IGNORED', eventType: 'nothing', duplicateKey: 'key' }),
  });
  expect(replayed.dispositionChanges.map(({ deliveryId }) => deliveryId)).toEqual([2]);
  expect(replayed.failed).toEqual([]);
  const events = 'SELECT DISTINCT identity_id FROM events';
  expect(await query(database, events)).toEqual([{ identity_id: 1 }]);
});
