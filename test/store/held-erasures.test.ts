/** Erasures that have to wait, and what must not keep them from being carried out. */

import type { Store } from '../../src/store/store';
import { change, query } from '../support/databases';
import { openTestStore } from './open-test-store';
import { answer, delivery, paycaddy, sumsub } from './provider-deliveries';

const NOW = new Date('2024-06-01T12:00:00Z');
const LATER = new Date('2024-07-01T12:00:00Z');
const MUCH_LATER = new Date('2024-09-01T12:00:00Z');
const BY = { reason: 'asked for', changeActor: 'desk', auditActor: 'ApiKey:1 desk', now: NOW };
const HOLD = { basis: 'case 4', reason: null, auditActor: 'ApiKey:1 desk', now: NOW };

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
  expect(await store.erasures.runDueErasures(NOW)).toBe(0);
  expect(await erasedAt(store, userId)).toBeNull();
  expect(await store.erasures.runDueErasures(MUCH_LATER)).toBe(1);
  expect(await erasedAt(store, userId)).not.toBeNull();
});

it('go on as one of whom a user was merged into, and wait for that one’s hold', async () => {
  const { store, database } = await openTestStore();
  const nameless = await tell(store, 'applicant-1');
  const bob = await tell(store, 'applicant-2', 'bob');
  await store.erasures.setHold({ ...HOLD, userId: nameless, until: LATER });
  await store.erasures.erase({ ...BY, userId: nameless });
  const link = { provider: 'sumsub', subjectRef: 'applicant-1', userId: bob };
  expect(
    await store.linkIdentity({ ...link, changeActor: 'desk', auditActor: 'desk', now: NOW }),
  ).toMatchObject({
    mergedUserId: nameless,
  });
  await store.erasures.setHold({ ...HOLD, userId: bob, until: null });
  expect(await store.erasures.runDueErasures(MUCH_LATER)).toBe(0);
  const due = `SELECT user_id FROM erasure_requests WHERE due_at IS NOT NULL`;
  expect(await query(database, due)).toEqual([]);
  await store.erasures.releaseHold({
    userId: bob,
    reason: 'closed',
    auditActor: 'desk',
    now: MUCH_LATER,
  });
  expect(await store.erasures.runDueErasures(MUCH_LATER)).toBe(1);
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
  expect(
    await store.linkIdentity({ ...link, changeActor: 'desk', auditActor: 'desk', now: NOW }),
  ).toEqual({
    ok: false,
    fault: 'USER_ERASED',
  });
});

it('are written down each time that somebody asks, and not each time that they are looked at', async () => {
  const { store } = await openTestStore();
  const userId = await tell(store, 'applicant-1');
  await store.erasures.setHold({ ...HOLD, userId, until: LATER });
  await store.erasures.erase({ ...BY, userId });
  await store.erasures.erase({ ...BY, userId, reason: 'asked for again' });
  await store.erasures.setHold({ ...HOLD, userId, until: MUCH_LATER });
  expect(await store.erasures.runDueErasures(LATER)).toBe(0);
  const { rows } = await store.read.auditEntries({ action: ['ERASURE_REQUESTED'] }, { first: 10 });
  expect(rows.map(({ row }) => row.reason)).toEqual(['asked for again', 'asked for']);
});

// All messages of no account were opened first, though nothing was to be emptied.
it('look at no message while they have to wait, or are done', async () => {
  const looks: string[] = [];
  const onQuery = (sql: string) => {
    if (sql.includes('identity_id IS NULL')) looks.push(sql);
  };
  const { store } = await openTestStore({}, { onQuery });
  const userId = await tell(store, 'applicant-1');
  await store.erasures.setHold({ ...HOLD, userId, until: null });
  await store.erasures.erase({ ...BY, userId });
  expect(looks).toEqual([]);
  await store.erasures.releaseHold({ ...HOLD, userId });
  await store.erasures.erase({ ...BY, userId });
  const needed = looks.length;
  expect(needed).toBeGreaterThan(0);
  await store.erasures.erase({ ...BY, userId });
  expect(looks).toHaveLength(needed);
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

describe('of one account', () => {
  const told = { provider: 'sumsub', subjectRef: 'applicant-1', deliveryId: 1 };
  const occurredAt = '2024-01-01T00:00:09.000000000Z';

  async function withTwoAccounts() {
    const opened = await openTestStore();
    const userId = await tell(opened.store, 'applicant-1', 'ada');
    await opened.store.record(delivery('paycaddy', paycaddy('verified', 'account', 1), NOW));
    const link = { provider: 'paycaddy', subjectRef: 'account', userId };
    await opened.store.linkIdentity({ ...link, changeActor: 'desk', auditActor: 'desk', now: NOW });
    return { ...opened, userId };
  }

  it('leave the user with the others, and what is left of it as a record of its own', async () => {
    const { store, userId } = await withTwoAccounts();
    const outcome = await store.erasures.eraseIdentity({ ...BY, ...told, occurredAt });
    if (!('erased' in outcome)) throw new Error('it is there');
    expect(outcome).toEqual({ userId: expect.any(Number), erased: true, erasedAt: NOW });
    expect(outcome.userId).not.toBe(userId);
    const [user, record] = await store.read.usersByIds([userId, outcome.userId]);
    expect(user).toMatchObject({ externalUserId: 'ada', erasedAt: null });
    expect(record).toMatchObject({ externalUserId: null, erasedAt: NOW });
    expect((await store.read.identitiesOf([userId]))[0]).toMatchObject([{ provider: 'paycaddy' }]);
    expect((await store.read.levelsOf([userId]))[0]).toHaveLength(1);
    expect((await store.read.levelsOf([outcome.userId]))[0]).toHaveLength(1);
    const late = sumsub(
      'applicantOnHold',
      { applicantId: 'applicant-1', externalUserId: 'ada' },
      9,
    );
    expect(await store.record(delivery('sumsub', late, NOW))).toMatchObject({
      disposition: 'IGNORED',
    });
  });

  it('wait for what keeps the user, and then take no more than the account', async () => {
    const { store, userId } = await withTwoAccounts();
    await store.erasures.setHold({ ...HOLD, userId, until: null });
    for (let time = 0; time < 2; time += 1) {
      const outcome = await store.erasures.eraseIdentity({ ...BY, ...told, occurredAt });
      expect(outcome).toMatchObject({ userId, erased: false, basis: 'case 4' });
    }
    expect(await store.read.countAuditEntries({ action: ['ERASURE_REQUESTED'] })).toBe(1);
    expect(await store.erasures.runDueErasures(MUCH_LATER)).toBe(0);
    await store.erasures.releaseHold({ userId, reason: 'closed', auditActor: 'desk', now: LATER });
    expect(await store.erasures.runDueErasures(MUCH_LATER)).toBe(1);
    expect(await erasedAt(store, userId)).toBeNull();
    expect(await store.read.userByIdentity('sumsub', 'applicant-1')).toBeNull();
    expect(await store.erasures.runDueErasures(MUCH_LATER)).toBe(0);
  });

  it('take the user with them where there is no other, and nothing that came since', async () => {
    const { store } = await openTestStore();
    const userId = await tell(store, 'applicant-1', 'ada');
    const before = '2023-12-31T00:00:00.000000000Z';
    const old = await store.erasures.eraseIdentity({ ...BY, ...told, occurredAt: before });
    expect(old).toEqual({ fault: 'USER_NOT_FOUND' });
    expect(await erasedAt(store, userId)).toBeNull();
    const outcome = await store.erasures.eraseIdentity({ ...BY, ...told, occurredAt: undefined });
    expect(outcome).toMatchObject({ userId, erased: true });
  });

  const news = (applicantId: string, type: string, rest: object, at: Date) =>
    delivery(
      'sumsub',
      { ...sumsub(type, { applicantId, externalUserId: 'ada', ...rest }, 0), ...sentAt(at) },
      at,
    );
  const sentAt = (at: Date) => ({
    createdAtMs: at.toISOString().replace('T', ' ').replace('Z', ''),
  });
  const GREEN = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };
  const secondsOn = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

  /** The vendor says at `saidAt` that it has erased the first, and we hear of it 17 seconds on. */
  async function deleted(store: Store, saidAt: Date) {
    const deletion = news('applicant-1', 'applicantDeleted', {}, saidAt);
    const { deliveryId } = await store.record({ ...deletion, receivedAt: secondsOn(17) });
    return await store.erasures.eraseIdentity({
      ...BY,
      ...told,
      deliveryId,
      occurredAt: saidAt.toISOString().replace('Z', '000000Z'),
      now: secondsOn(17),
    });
  }

  // It was dated by our clock: what the vendor had approved since was late news, and not kept.
  it('let the account in that has taken its place, whichever is heard of first', async () => {
    const first = news('applicant-1', 'applicantPending', {}, NOW);
    const second = news('applicant-2', 'applicantReviewed', GREEN, secondsOn(15));
    for (const early of [false, true]) {
      const { store } = await openTestStore();
      await store.record(first);
      if (early) await store.record(second);
      expect(await deleted(store, secondsOn(10))).toMatchObject({ erased: true });
      if (!early) await store.record({ ...second, receivedAt: secondsOn(20) });
      const user = await store.read.userByExternalId('ada');
      expect(user).toMatchObject({ verificationStatus: 'VERIFIED' });
      expect(await store.read.userByIdentity('sumsub', 'applicant-2')).toEqual(user);
    }
  });

  it('put out whoever shows a token from before it was carried out, whenever it was said', async () => {
    const { store } = await openTestStore();
    await store.record(news('applicant-1', 'applicantPending', {}, NOW));
    await deleted(store, secondsOn(10));
    const erasedAtOf = await store.erasures.erasedSince(secondsOn(12));
    expect(erasedAtOf('ada')).toEqual(secondsOn(17));
    expect(erasedAtOf('bob')).toBeNull();
  });

  // It was obeyed by that date, and took all that had been said of an account that had come back.
  it('count as said when they came where they are dated far ahead', async () => {
    const { store } = await openTestStore();
    await store.record(news('applicant-1', 'applicantPending', {}, secondsOn(300)));
    const ahead = new Date('2099-01-01T00:00:00Z');
    expect(await deleted(store, ahead)).toEqual({ fault: 'USER_NOT_FOUND' });
    expect(await deleted(store, secondsOn(60))).toEqual({ fault: 'USER_NOT_FOUND' });
    await store.record(news('applicant-1', 'applicantPending', {}, secondsOn(16)));
    expect(await deleted(store, ahead)).toMatchObject({ erased: true });
    const back = news('applicant-1', 'applicantPending', {}, secondsOn(600));
    expect(await store.record(back)).toMatchObject({ disposition: 'APPLIED' });
  });
});
