/** Erasures that have to wait, and what must not keep them from being carried out. */

import type { Store } from '../../src/store/store';
import { change, query } from '../support/databases';
import { openTestStore } from './open-test-store';
import { answer, delivery, paycaddy, sumsub } from './vendor-deliveries';

const NOW = new Date('2024-06-01T12:00:00Z');
const LATER = new Date('2024-07-01T12:00:00Z');
const MUCH_LATER = new Date('2024-09-01T12:00:00Z');
const BY = { reason: 'asked for', actor: 'desk', by: 'ApiKey:1 desk', now: NOW };
const HOLD = { basis: 'case 4', reason: null, by: 'ApiKey:1 desk', now: NOW };

async function tell(store: Store, applicantId: string, externalUserId?: string): Promise<number> {
  const body = sumsub('applicantPending', { applicantId, externalUserId }, 1_000);
  await store.record(delivery('sumsub', body, NOW));
  const user = await store.read.userByIdentity('sumsub', applicantId);
  if (user === null) throw new Error('it is known by now');
  return user.id;
}

const erasedAt = async (store: Store, userId: number) =>
  (await store.read.usersByIds([userId]))[0]?.erasedAt ?? null;

it('are due when a hold that was set anew ends', async () => {
  const { store } = await openTestStore();
  const userId = await tell(store, 'applicant-1');
  await store.erasures.setHold({ ...HOLD, userId, until: null });
  expect(await store.erasures.erase({ ...BY, userId })).toMatchObject({ erased: false });
  await store.erasures.setHold({ ...HOLD, userId, until: LATER });
  expect(await store.erasures.carryOut(NOW)).toBe(0);
  expect(await erasedAt(store, userId)).toBeNull();
  expect(await store.erasures.carryOut(MUCH_LATER)).toBe(1);
  expect(await erasedAt(store, userId)).not.toBeNull();
});

it('go on as one of whom a user was merged into, and wait for that one’s hold', async () => {
  const { store, database } = await openTestStore();
  const nameless = await tell(store, 'applicant-1');
  const bob = await tell(store, 'applicant-2', 'bob');
  await store.erasures.setHold({ ...HOLD, userId: nameless, until: LATER });
  await store.erasures.erase({ ...BY, userId: nameless });
  const link = { provider: 'sumsub', subjectRef: 'applicant-1', userId: bob };
  expect(await store.linkIdentity({ ...link, actor: 'desk', by: 'desk', now: NOW })).toMatchObject({
    mergedUserId: nameless,
  });
  await store.erasures.setHold({ ...HOLD, userId: bob, until: null });
  expect(await store.erasures.carryOut(MUCH_LATER)).toBe(0);
  const due = `SELECT user_id FROM erasure_requests WHERE due_at IS NOT NULL`;
  expect(await query(database, due)).toEqual([]);
  await store.erasures.releaseHold({ userId: bob, reason: 'closed', by: 'desk', now: MUCH_LATER });
  expect(await store.erasures.carryOut(MUCH_LATER)).toBe(1);
});

it('are not kept from it by a message of no account that nobody can open', async () => {
  const { store, database } = await openTestStore();
  const userId = await tell(store, 'applicant-1');
  const riddle = { applicantId: 'applicant-9', riddle: 1, levelName: 7 };
  await store.record(delivery('sumsub', sumsub('applicantReviewed', riddle, 5_000), NOW));
  const bytes = database.kind === 'sqlite' ? "x'0011'" : "'\\x0011'";
  await change(database, `UPDATE deliveries SET body = ${bytes} WHERE identity_id IS NULL`);
  expect(await store.erasures.erase({ ...BY, userId })).toMatchObject({ erased: true });
});

it('find an account that is named in the path of an answer alone', async () => {
  const { store, database } = await openTestStore();
  const userId = await tell(store, 'applicant-1');
  const odd = { createDate: '2024-01-01 00:00:00+0000', reviewStatus: 'purple' };
  for (const id of ['applicant-1', 'applicant-12']) {
    await store.record(answer('sumsub', `applicants/${id}/status`, odd, NOW));
  }
  await store.erasures.erase({ ...BY, userId });
  const rows = await query<{ subpath: string }>(database, 'SELECT subpath FROM deliveries');
  const left = rows.map(({ subpath }) => subpath).filter((subpath) => subpath !== '');
  expect(left).toEqual(['applicants/applicant-12/status']);
});

it('leave an account that nobody can tie to somebody else', async () => {
  const { store } = await openTestStore();
  const userId = await tell(store, 'applicant-1');
  await store.record(delivery('paycaddy', paycaddy('verified', 'other', 1), NOW));
  const other = await store.read.userByIdentity('paycaddy', 'other');
  await store.erasures.erase({ ...BY, userId });
  const [[gone] = []] = await store.read.identitiesOf([userId]);
  const link = { provider: 'sumsub', subjectRef: gone?.subjectRef ?? '', userId: other?.id ?? 0 };
  expect(await store.linkIdentity({ ...link, actor: 'desk', by: 'desk', now: NOW })).toEqual({
    ok: false,
    fault: 'USER_ERASED',
  });
});

it('cannot be held back once they are done', async () => {
  const { store } = await openTestStore();
  const userId = await tell(store, 'applicant-1');
  const hold = { ...HOLD, userId, until: null };
  expect(await store.erasures.setHold(hold)).toBeNull();
  expect(await store.erasures.releaseHold(hold)).toBeNull();
  await store.erasures.erase({ ...BY, userId });
  expect(await store.erasures.setHold(hold)).toBe('USER_ERASED');
  expect(await store.erasures.setHold({ ...hold, userId: 999 })).toBe('USER_NOT_FOUND');
  expect(await store.read.countAuditEntries({ action: ['LEGAL_HOLD_SET'] })).toBe(1);
});
