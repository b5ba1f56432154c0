/** Tests erasures that a hold defers, and their limits. */

import type { Store } from '../../../src/store/store';
import { change, query } from '../../support/databases';
import { openTestStore } from '../open-test-store';
import { answer, delivery, paycaddy, sumsub } from '../provider-deliveries';

const NOW = new Date('2024-06-01T12:00:00Z');
const LATER = new Date('2024-07-01T12:00:00Z');
const MUCH_LATER = new Date('2024-09-01T12:00:00Z');
const BY = { reason: 'requested', changeActor: 'desk', auditActor: 'ApiKey:1 desk', now: NOW };
const HOLD = { basis: 'case 4', reason: null, auditActor: 'ApiKey:1 desk', now: NOW };

async function recordApplicant(
  store: Store,
  applicantId: string,
  externalUserId?: string,
): Promise<number> {
  const body = sumsub('applicantPending', { applicantId, externalUserId }, 1_000);
  await store.record(delivery('sumsub', body, NOW));
  const user = await store.read.userByIdentity('sumsub', applicantId);
  if (user === null) throw new Error('it is known by now');
  return user.id;
}

const erasedAt = async (store: Store, userId: number) =>
  (await store.read.usersByIds([userId]))[0]?.erasedAt ?? null;

it('are due when a replaced hold ends', async () => {
  const { store } = await openTestStore();
  const userId = await recordApplicant(store, 'applicant-1');
  await store.erasures.setHold({ ...HOLD, userId, until: null });
  expect(await store.erasures.erase({ ...BY, userId })).toMatchObject({ erased: false });
  await store.erasures.setHold({ ...HOLD, userId, until: LATER });
  expect(await store.erasures.runDueErasures(NOW)).toBe(0);
  expect(await erasedAt(store, userId)).toBeNull();
  expect(await store.erasures.runDueErasures(MUCH_LATER)).toBe(1);
  expect(await erasedAt(store, userId)).not.toBeNull();
});

it('continue for the merge target, and wait for its hold', async () => {
  const { store, database } = await openTestStore();
  const nameless = await recordApplicant(store, 'applicant-1');
  const bob = await recordApplicant(store, 'applicant-2', 'bob');
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

it('run in spite of an unassigned delivery that fails to decrypt', async () => {
  const { store, database } = await openTestStore();
  const userId = await recordApplicant(store, 'applicant-1');
  const riddle = { applicantId: 'applicant-9', riddle: 1, levelName: 7 };
  await store.record(delivery('sumsub', sumsub('applicantReviewed', riddle, 5_000), NOW));
  const bytes = database.kind === 'sqlite' ? "x'0011'" : "'\\x0011'";
  await change(database, `UPDATE deliveries SET body = ${bytes} WHERE identity_id IS NULL`);
  expect(await store.erasures.erase({ ...BY, userId })).toMatchObject({ erased: true });
});

it('find an account in the path of a status response', async () => {
  const { store, database } = await openTestStore();
  const userId = await recordApplicant(store, 'applicant-1');
  const odd = { createDate: '2024-01-01 00:00:00+0000', reviewStatus: 'purple' };
  for (const id of ['applicant-1', 'applicant-12']) {
    await store.record(answer('sumsub', `applicants/${id}/status`, odd, NOW));
  }
  await store.erasures.erase({ ...BY, userId });
  const rows = await query<{ subpath: string }>(database, 'SELECT subpath FROM deliveries');
  const left = rows.map(({ subpath }) => subpath).filter((subpath) => subpath !== '');
  expect(left).toEqual(['applicants/applicant-12/status']);
});

it('leave an erased identity that cannot be linked to another user', async () => {
  const { store } = await openTestStore();
  const userId = await recordApplicant(store, 'applicant-1');
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

it('are logged for each request, but not for each run', async () => {
  const { store } = await openTestStore();
  const userId = await recordApplicant(store, 'applicant-1');
  await store.erasures.setHold({ ...HOLD, userId, until: LATER });
  await store.erasures.erase({ ...BY, userId });
  await store.erasures.erase({ ...BY, userId, reason: 'requested again' });
  await store.erasures.setHold({ ...HOLD, userId, until: MUCH_LATER });
  expect(await store.erasures.runDueErasures(LATER)).toBe(0);
  const { rows } = await store.read.auditEntries({ action: ['ERASURE_REQUESTED'] }, { first: 10 });
  expect(rows.map(({ row }) => row.reason)).toEqual(['requested again', 'requested']);
});

// Regression: all unassigned deliveries were decrypted first, though nothing was erased.
it('read no delivery while a hold applies, or when they are done', async () => {
  const looks: string[] = [];
  const onQuery = (sql: string) => {
    if (sql.includes('identity_id IS NULL')) looks.push(sql);
  };
  const { store } = await openTestStore({}, { onQuery });
  const userId = await recordApplicant(store, 'applicant-1');
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

it('cannot be deferred when they are done', async () => {
  const { store } = await openTestStore();
  const userId = await recordApplicant(store, 'applicant-1');
  const hold = { ...HOLD, userId, until: null };
  expect(await store.erasures.setHold(hold)).toBeNull();
  expect(await store.erasures.releaseHold(hold)).toBeNull();
  await store.erasures.erase({ ...BY, userId });
  expect(await store.erasures.setHold(hold)).toBe('USER_ERASED');
  expect(await store.erasures.setHold({ ...hold, userId: 999 })).toBe('USER_NOT_FOUND');
  expect(await store.read.countAuditEntries({ action: ['LEGAL_HOLD_SET'] })).toBe(1);
});

describe('of one identity', () => {
  const told = { provider: 'sumsub', subjectRef: 'applicant-1', deliveryId: 1 };
  const occurredAt = '2024-01-01T00:00:09.000000000Z';

  async function withTwoAccounts() {
    const opened = await openTestStore();
    const userId = await recordApplicant(opened.store, 'applicant-1', 'ada');
    await opened.store.record(delivery('paycaddy', paycaddy('verified', 'account', 1), NOW));
    const link = { provider: 'paycaddy', subjectRef: 'account', userId };
    await opened.store.linkIdentity({ ...link, changeActor: 'desk', auditActor: 'desk', now: NOW });
    return { ...opened, userId };
  }

  it('keep the user with the other identities, and split off a record', async () => {
    const { store, userId } = await withTwoAccounts();
    const outcome = await store.erasures.eraseIdentity({ ...BY, ...told, occurredAt });
    if (!('erased' in outcome)) throw new Error('The identity exists');
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

  it('wait for the hold on the user, and then erase only the identity', async () => {
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

  it('erase the user if there is no other identity and no later event', async () => {
    const { store } = await openTestStore();
    const userId = await recordApplicant(store, 'applicant-1', 'ada');
    const before = '2023-12-31T00:00:00.000000000Z';
    const old = await store.erasures.eraseIdentity({ ...BY, ...told, occurredAt: before });
    expect(old).toEqual({ fault: 'USER_NOT_FOUND' });
    expect(await erasedAt(store, userId)).toBeNull();
    const outcome = await store.erasures.eraseIdentity({ ...BY, ...told, occurredAt: undefined });
    expect(outcome).toMatchObject({ userId, erased: true });
  });

  const review = (applicantId: string, type: string, rest: object, at: Date) =>
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

  /** The provider reports the erasure of the first account at `reportedAt`. The report arrives at second 17. */
  async function deleted(store: Store, reportedAt: Date) {
    const deletion = review('applicant-1', 'applicantDeleted', {}, reportedAt);
    const { deliveryId } = await store.record({ ...deletion, receivedAt: secondsOn(17) });
    return await store.erasures.eraseIdentity({
      ...BY,
      ...told,
      deliveryId,
      occurredAt: reportedAt.toISOString().replace('Z', '000000Z'),
      now: secondsOn(17),
    });
  }

  // Regression: the erasure was dated by its receipt, so approvals since the report were dropped as late.
  it('accept the account that replaced the erased one, in any order of arrival', async () => {
    const first = review('applicant-1', 'applicantPending', {}, NOW);
    const second = review('applicant-2', 'applicantReviewed', GREEN, secondsOn(15));
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

  it('reject tokens from before the erasure, regardless of the date of the report', async () => {
    const { store } = await openTestStore();
    await store.record(review('applicant-1', 'applicantPending', {}, NOW));
    await deleted(store, secondsOn(10));
    const erasedAtOf = await store.erasures.erasedSince(secondsOn(12));
    expect(erasedAtOf('ada')).toEqual(secondsOn(17));
    expect(erasedAtOf('bob')).toBeNull();
  });

  // Regression: the future date applied, so all events of a returned account were erased.
  it('count from the receipt if their date is far ahead', async () => {
    const { store } = await openTestStore();
    await store.record(review('applicant-1', 'applicantPending', {}, secondsOn(300)));
    const ahead = new Date('2099-01-01T00:00:00Z');
    expect(await deleted(store, ahead)).toEqual({ fault: 'USER_NOT_FOUND' });
    expect(await deleted(store, secondsOn(60))).toEqual({ fault: 'USER_NOT_FOUND' });
    await store.record(review('applicant-1', 'applicantPending', {}, secondsOn(16)));
    expect(await deleted(store, ahead)).toMatchObject({ erased: true });
    const back = review('applicant-1', 'applicantPending', {}, secondsOn(600));
    expect(await store.record(back)).toMatchObject({ disposition: 'APPLIED' });
  });
});
