/** Tests commands of operators and scheduled work: creating users, linking, merging, replay, expiry, trimming, new rules. */

import { createHash } from 'node:crypto';
import type { Reading, StoredDelivery } from '../../src/domain/delivery';
import { toInstantText } from '../../src/domain/instant';
import type { Policy } from '../../src/domain/policy';
import type { Store } from '../../src/store/store';
import { change, query } from '../support/databases';
import { openTestStore, stateOf } from './open-test-store';
import { delivery, fractalId, p100, paycaddy, sumsub } from './provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const green = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };
const OLDEST_FIRST = { field: 'STARTED_AT', direction: 'ASC' } as const;

async function log(store: Store) {
  return (await store.read.tail(0, 1_000, {})).changes;
}

async function approvedFractalUser(store: Store, ref: string): Promise<number> {
  await store.record(
    delivery('fractal-id', fractalId('verification_approved', 'basic', ref, 1), NOW),
  );
  const user = await store.read.userByIdentity('fractal-id', ref);
  return user?.id ?? 0;
}

function link(store: Store, subjectRef: string, userId: number, provider = 'fractal-id') {
  return store.linkIdentity({
    provider,
    subjectRef,
    userId,
    changeActor: 'an operator',
    auditActor: 'test',
    now: NOW,
  });
}

describe('createUser', () => {
  it('creates one user per external ID', async () => {
    const { store } = await openTestStore();
    const first = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    const again = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    expect(again).toEqual({ userId: first.userId, created: false });
    const nameless = await store.createUser({ externalUserId: null, auditActor: 'test', now: NOW });
    expect(nameless.created).toBe(true);
    expect(await store.read.countUsers({})).toBe(2);
  });

  it('creates the user that the first event with this ID is assigned to', async () => {
    const { store } = await openTestStore();
    const { userId } = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    await store.record(delivery('p100', p100('customer-1', 'VERIFIED', 'SUCCESSFUL'), NOW));
    expect(await store.read.userByExternalId('customer-1')).toMatchObject({
      id: userId,
      verificationStatus: 'VERIFIED',
    });
  });
});

describe('linkIdentity', () => {
  it('assigns later events to the linked user', async () => {
    const { store } = await openTestStore();
    const { userId } = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    expect(await link(store, 'uid-1', userId)).toMatchObject({
      ok: true,
      userId,
      mergedUserId: null,
    });
    expect(await approvedFractalUser(store, 'uid-1')).toBe(userId);
  });

  // Regression: the user stayed inactive until all users were projected again.
  it('activates a user whose other identities are deleted, before any event', async () => {
    const { store } = await openTestStore();
    const gone = { applicantId: 'a1', externalUserId: 'customer-1' };
    await store.record(delivery('sumsub', sumsub('applicantCreated', gone, 1), NOW));
    await store.record(delivery('sumsub', sumsub('applicantDeleted', gone, 2), NOW));
    const user = await store.read.userByExternalId('customer-1');
    expect(user).toMatchObject({ active: false });
    await link(store, 'uid-1', user?.id ?? 0);
    expect(await store.read.userByExternalId('customer-1')).toMatchObject({ active: true });
    expect((await log(store)).at(-1)).toMatchObject({
      cause: { kind: 'LINK' },
      previousActive: false,
      active: true,
    });
  });

  it('merges the former user if the identity was its only one, and logs the merge', async () => {
    const { store } = await openTestStore();
    const opened = await approvedFractalUser(store, 'uid-1');
    const { userId } = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    const before = (await log(store)).length;

    expect(await link(store, 'uid-1', userId)).toMatchObject({
      ok: true,
      userId,
      mergedUserId: opened,
    });

    const [byOldId] = await store.read.usersByIds([opened]);
    expect(byOldId).toMatchObject({ id: userId, verificationStatus: 'VERIFIED' });
    const [attempts] = await store.read.attemptsOf([userId], {}, OLDEST_FIRST, { first: 10 });
    expect(attempts?.rows.map(({ row }) => row.status)).toEqual(['APPROVED']);
    expect(await store.read.userIdsMergedInto(userId)).toEqual([userId, opened]);
    expect((await log(store)).slice(before)).toMatchObject([
      {
        userId,
        cause: { kind: 'MERGE', mergedUserId: opened, actor: 'an operator' },
        verificationStatus: 'NOT_VERIFIED',
      },
      {
        userId,
        cause: { kind: 'LINK' },
        levelKey: 'fractal-id/basic',
        previousLevelStatus: null,
        levelStatus: 'VERIFIED',
        previousVerificationStatus: 'NOT_VERIFIED',
        verificationStatus: 'VERIFIED',
      },
    ]);
    const [history] = await store.read.changesOf('user', [userId], { first: 10 });
    expect(history?.rows.map(({ row }) => row.userId)).toEqual([opened, userId, userId]);
  });

  // Regression: a merged user was loaded by the ID of the merge target alone, and not found by its own.
  it('links to the merge target if the user was merged', async () => {
    const { store } = await openTestStore();
    const opened = await approvedFractalUser(store, 'uid-1');
    const { userId } = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    await link(store, 'uid-1', userId);
    expect(await link(store, 'pay-1', opened, 'paycaddy')).toMatchObject({ ok: true, userId });
    expect(await link(store, 'pay-2', 999, 'paycaddy')).toMatchObject({ ok: false });
  });

  it('merges two users with different external IDs, which then resolve to one', async () => {
    const { store } = await openTestStore();
    await store.record(delivery('p100', p100('customer-1', 'VERIFIED', 'SUCCESSFUL'), NOW));
    const { userId } = await store.createUser({
      externalUserId: 'customer-2',
      auditActor: 'test',
      now: NOW,
    });
    await link(store, 'customer-1', userId, 'p100');
    expect(await store.read.userByExternalId('customer-1')).toMatchObject({ id: userId });
    expect(await store.read.userByExternalId('customer-2')).toMatchObject({ id: userId });
    await store.record(
      delivery(
        'sumsub',
        sumsub('applicantReviewed', { ...green, externalUserId: 'customer-1' }, 1),
        NOW,
      ),
    );
    expect(await store.read.userByIdentity('sumsub', 'applicant-1')).toMatchObject({ id: userId });
    expect(await store.read.countUsers({})).toBe(1);
  });

  it('passes the external ID to a user without one', async () => {
    const { store } = await openTestStore();
    const nameless = await approvedFractalUser(store, 'uid-1');
    await store.record(delivery('p100', p100('customer-1', 'NOT_VERIFIED', 'PENDING'), NOW));
    await link(store, 'customer-1', nameless, 'p100');
    expect(await store.read.userByExternalId('customer-1')).toMatchObject({
      id: nameless,
      externalUserId: 'customer-1',
    });
  });

  it('moves only the identity when a link is corrected', async () => {
    const { store } = await openTestStore();
    const wrong = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    const right = await store.createUser({
      externalUserId: 'customer-2',
      auditActor: 'test',
      now: NOW,
    });
    await link(store, 'uid-1', wrong.userId);
    await approvedFractalUser(store, 'uid-1');
    expect(await link(store, 'uid-1', right.userId)).toMatchObject({
      ok: true,
      mergedUserId: null,
    });
    const users = await store.read.usersByIds([wrong.userId, right.userId]);
    expect(users.map((user) => [user?.id, user?.verificationStatus])).toEqual([
      [wrong.userId, 'NOT_VERIFIED'],
      [right.userId, 'VERIFIED'],
    ]);
  });

  it('moves only the identity if its user was created for another one', async () => {
    const { store } = await openTestStore();
    const nameless = await approvedFractalUser(store, 'uid-1');
    await link(store, 'pay-1', nameless, 'paycaddy');
    const { userId } = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    expect(await link(store, 'pay-1', userId, 'paycaddy')).toMatchObject({ mergedUserId: null });
    expect(await store.read.userByIdentity('fractal-id', 'uid-1')).toMatchObject({ id: nameless });
    expect(await store.read.userByIdentity('paycaddy', 'pay-1')).toMatchObject({ id: userId });
  });

  it('moves only the identity if its user has another one', async () => {
    const { store } = await openTestStore();
    const nameless = await approvedFractalUser(store, 'uid-1');
    await link(store, 'pay-1', nameless, 'paycaddy');
    await store.record(delivery('p100', p100('customer-1', 'VERIFIED', 'SUCCESSFUL'), NOW));
    const named = await store.read.userByExternalId('customer-1');
    await link(store, 'pay-2', named?.id ?? 0, 'paycaddy');

    const { userId } = await store.createUser({
      externalUserId: 'customer-2',
      auditActor: 'test',
      now: NOW,
    });
    expect(await link(store, 'uid-1', userId)).toMatchObject({ mergedUserId: null });
    expect(await link(store, 'customer-1', userId, 'p100')).toMatchObject({ mergedUserId: null });
    expect(await store.read.userByIdentity('paycaddy', 'pay-1')).toMatchObject({ id: nameless });
    expect(await store.read.userByIdentity('paycaddy', 'pay-2')).toMatchObject({ id: named?.id });
  });

  it('moves only the identity if an operator had linked it', async () => {
    const { store } = await openTestStore();
    const nameless = await store.createUser({ externalUserId: null, auditActor: 'test', now: NOW });
    const right = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    await link(store, 'uid-1', nameless.userId);
    await approvedFractalUser(store, 'uid-1');
    expect(await link(store, 'uid-1', right.userId)).toMatchObject({ mergedUserId: null });
    const [left] = await store.read.usersByIds([nameless.userId]);
    expect(left).toMatchObject({ id: nameless.userId, verificationStatus: 'NOT_VERIFIED' });
  });

  it('logs the move for both users, even without a status change', async () => {
    const { store } = await openTestStore();
    const wrong = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    const right = await store.createUser({
      externalUserId: 'customer-2',
      auditActor: 'test',
      now: NOW,
    });
    await link(store, 'uid-1', wrong.userId);
    await store.record(delivery('p100', p100('customer-3', 'NOT_VERIFIED', 'PENDING'), NOW));
    const before = (await log(store)).length;

    await link(store, 'uid-1', right.userId);
    const told = (await log(store)).slice(before);
    expect(told.map(({ userId, cause }) => [userId, cause.kind, cause.actor])).toEqual([
      [wrong.userId, 'LINK', 'an operator'],
      [right.userId, 'LINK', 'an operator'],
    ]);
    for (const entry of told) {
      expect(entry).toMatchObject({ attemptId: null, levelKey: null, active: true });
      expect(entry.verificationStatus).toBe(entry.previousVerificationStatus);
    }

    await approvedFractalUser(store, 'uid-1');
    const approved = (await log(store)).length;
    await link(store, 'uid-1', wrong.userId);
    const moved = (await log(store)).slice(approved);
    expect(moved.map(({ userId, levelStatus }) => [userId, levelStatus])).toEqual([
      [right.userId, null],
      [wrong.userId, 'VERIFIED'],
    ]);
  });

  it('is idempotent', async () => {
    const { store } = await openTestStore();
    const { userId } = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    await approvedFractalUser(store, 'uid-1');
    await link(store, 'uid-1', userId);
    const before = await log(store);
    expect(await link(store, 'uid-1', userId)).toMatchObject({
      ok: true,
      userId,
      mergedUserId: null,
    });
    expect(await log(store)).toEqual(before);
  });

  it('keeps the link in spite of another external ID from the provider', async () => {
    const { store } = await openTestStore();
    const { userId } = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    await link(store, 'applicant-1', userId, 'sumsub');
    await store.record(
      delivery('sumsub', sumsub('applicantCreated', { externalUserId: 'customer-9' }, 1), NOW),
    );
    expect(await store.read.userByIdentity('sumsub', 'applicant-1')).toMatchObject({ id: userId });
  });

  it('fails for an unknown user', async () => {
    const { store } = await openTestStore();
    expect(await link(store, 'uid-1', 99)).toEqual({ ok: false, fault: 'USER_NOT_FOUND' });
    expect(await store.read.userByIdentity('fractal-id', 'uid-1')).toBeNull();
  });

  it('resolves several merges to the last user', async () => {
    const { store } = await openTestStore();
    const first = await approvedFractalUser(store, 'uid-1');
    await store.record(delivery('sumsub', sumsub('applicantReviewed', green, 1), NOW));
    const second = (await store.read.userByIdentity('sumsub', 'applicant-1'))?.id ?? 0;
    const { userId } = await store.createUser({
      externalUserId: 'customer-1',
      auditActor: 'test',
      now: NOW,
    });
    await link(store, 'uid-1', second);
    const named = { ...green, externalUserId: 'customer-1' };
    await store.record(delivery('sumsub', sumsub('applicantWorkflowCompleted', named, 2), NOW));
    const found = await store.read.usersByIds([first, second, userId]);
    expect(found.map((user) => user?.id)).toEqual([userId, userId, userId]);
  });
});

describe('a provider that sends the external ID late', () => {
  it('moves the identity to the user with that ID', async () => {
    const { store } = await openTestStore();
    await store.record(delivery('p100', p100('customer-1', 'NOT_VERIFIED', 'PENDING'), NOW));
    const known = await store.read.userByExternalId('customer-1');
    await store.record(delivery('sumsub', sumsub('applicantReviewed', green, 1), NOW));
    const opened = await store.read.userByIdentity('sumsub', 'applicant-1');
    expect(opened?.id).not.toBe(known?.id);
    await store.record(
      delivery(
        'sumsub',
        sumsub('applicantWorkflowCompleted', { ...green, externalUserId: 'customer-1' }, 2),
        NOW,
      ),
    );
    expect(await store.read.userByIdentity('sumsub', 'applicant-1')).toMatchObject({
      id: known?.id,
      verificationStatus: 'VERIFIED',
    });
    const [byOldId] = await store.read.usersByIds([opened?.id ?? 0]);
    expect(byOldId?.id).toBe(known?.id);
  });
});

describe('a provider that changes the external ID', () => {
  it('moves the identity, and logs it for both users', async () => {
    const { store } = await openTestStore();
    const called = (externalUserId: string, at: number) =>
      delivery('sumsub', sumsub('applicantActivated', { externalUserId }, at), NOW);
    await store.record(called('customer-1', 1));
    const { userId } = await store.createUser({
      externalUserId: 'customer-2',
      auditActor: 'test',
      now: NOW,
    });
    const from = await store.read.userByExternalId('customer-1');
    expect(await store.record(called('customer-2', 2))).toMatchObject({ changes: 2 });
    expect(await store.read.userByIdentity('sumsub', 'applicant-1')).toMatchObject({ id: userId });
    expect(await log(store)).toMatchObject([
      { userId: from?.id, cause: { kind: 'DELIVERY' } },
      { userId, cause: { kind: 'DELIVERY' } },
    ]);
  });
});

describe('a replay', () => {
  const asBefore =
    (provider: string) =>
    (kept: StoredDelivery): Reading =>
      delivery(provider, kept.rawBody.toString(), kept.receivedAt).reading;

  it('changes nothing if deliveries parse as before', async () => {
    const { store, database } = await openTestStore();
    await store.record(
      delivery('sumsub', sumsub('applicantCreated', { externalUserId: 'customer-1' }, 1), NOW),
    );
    await store.record(delivery('sumsub', sumsub('applicantReviewed', green, 2), NOW));
    await store.record(delivery('sumsub', sumsub('applicantTagsChanged', green, 3), NOW));
    await store.record(delivery('sumsub', 'unreadable', NOW));
    const before = await stateOf(database);
    const outcome = await store.replay({
      selection: { provider: 'sumsub' },
      dryRun: false,
      changeActor: 'test',
      auditActor: 'test',
      now: NOW,
      reread: asBefore('sumsub'),
    });
    expect(outcome).toEqual({ deliveries: 4, dispositionChanges: [], failed: [], changes: [] });
    expect(await stateOf(database)).toBe(before);
  });

  it('applies what a corrected adapter parses, and recognizes a duplicate', async () => {
    const { store } = await openTestStore();
    const unknown = delivery('paycaddy', paycaddy('newly-verified', 'user-1', 5), NOW);
    expect(await store.record(unknown)).toMatchObject({ disposition: 'QUARANTINED' });
    const learnt = (kept: StoredDelivery): Reading =>
      delivery(
        'paycaddy',
        kept.rawBody.toString().replace('newly-verified', 'verified'),
        kept.receivedAt,
      ).reading;
    const input = {
      selection: { disposition: 'QUARANTINED' },
      changeActor: 'an operator',
      auditActor: 'test',
      now: NOW,
      reread: learnt,
    } as const;

    const rehearsed = await store.replay({ ...input, dryRun: true });
    expect(rehearsed).toMatchObject({
      deliveries: 1,
      dispositionChanges: [{ deliveryId: 1, before: 'QUARANTINED', after: 'APPLIED' }],
      changes: [
        {
          attemptStatus: 'APPROVED',
          verificationStatus: 'VERIFIED',
          cause: { kind: 'REPLAY', deliveryId: 1, actor: 'an operator' },
        },
      ],
    });
    expect(await log(store)).toEqual([]);
    expect(await store.read.deliveriesByIds([1])).toMatchObject([{ disposition: 'QUARANTINED' }]);

    const done = await store.replay({ ...input, dryRun: false });
    expect(done).toMatchObject({ dispositionChanges: rehearsed.dispositionChanges });
    expect(await log(store)).toMatchObject([{ seq: 1, verificationStatus: 'VERIFIED' }]);
    expect(await store.read.deliveriesByIds([1])).toMatchObject([
      { disposition: 'APPLIED', userId: 1, reason: null },
    ]);
    expect(await store.read.profilesOf([1])).toMatchObject([{ fullName: 'Invented Person' }]);
    expect(String((await store.read.rawBodiesOf([1]))[0])).toContain('newly-verified');
    const description = 'The document uploaded has issues';
    const again = delivery('paycaddy', { ...paycaddy('verified', 'user-1', 5), description }, NOW);
    expect(await store.record(again)).toMatchObject({ duplicate: true, deliveryId: 1 });
  });

  it('removes what a corrected adapter no longer parses', async () => {
    const { store } = await openTestStore();
    await store.record(delivery('sumsub', sumsub('applicantReviewed', green, 1), NOW));
    const corrected = (kept: StoredDelivery): Reading => ({
      kind: 'IGNORED',
      eventType: 'applicantReviewed',
      duplicateKey: `ignored ${kept.id}`,
    });
    const outcome = await store.replay({
      selection: { ids: [1] },
      dryRun: false,
      changeActor: 'test',
      auditActor: 'test',
      now: NOW,
      reread: corrected,
    });
    expect(outcome.dispositionChanges).toEqual([
      { deliveryId: 1, before: 'APPLIED', after: 'IGNORED' },
    ]);
    expect(outcome.changes).toMatchObject([
      {
        previousAttemptStatus: 'APPROVED',
        attemptStatus: null,
        previousVerificationStatus: 'VERIFIED',
        verificationStatus: 'NOT_VERIFIED',
      },
    ]);
    expect(await store.read.countAttempts({})).toBe(0);
  });

  it('keeps one of two deliveries that turn out to be equal', async () => {
    const { store } = await openTestStore();
    for (const spelling of ['verified-1', 'verified-2']) {
      await store.record(delivery('paycaddy', paycaddy(spelling, 'user-1', 5), NOW));
    }
    const learnt = (kept: StoredDelivery): Reading =>
      delivery(
        'paycaddy',
        kept.rawBody.toString().replace(/verified-\d/, 'verified'),
        kept.receivedAt,
      ).reading;
    const outcome = await store.replay({
      selection: { provider: 'paycaddy' },
      dryRun: false,
      changeActor: 'test',
      auditActor: 'test',
      now: NOW,
      reread: learnt,
    });
    expect(outcome.dispositionChanges.map(({ after }) => after)).toEqual(['APPLIED', 'UNCHANGED']);
    expect(await log(store)).toHaveLength(1);
  });

  it('selects by ID, provider, disposition and time of receipt', async () => {
    const { store } = await openTestStore();
    const at = (hour: number) => new Date(Date.UTC(2024, 1, 1, hour));
    await store.record(delivery('sumsub', 'unreadable 1', at(1)));
    await store.record(delivery('paycaddy', 'unreadable 2', at(2)));
    await store.record(delivery('sumsub', 'unreadable 3', at(3)));
    const count = async (selection: object) =>
      (
        await store.replay({
          selection,
          dryRun: true,
          changeActor: 'test',
          auditActor: 'test',
          now: NOW,
          reread: (kept) =>
            delivery(kept.provider, kept.rawBody.toString(), kept.receivedAt).reading,
        })
      ).deliveries;
    expect(await count({ ids: [1, 3] })).toBe(2);
    expect(await count({ provider: 'sumsub' })).toBe(2);
    expect(await count({ disposition: 'APPLIED' })).toBe(0);
    expect(await count({ receivedFrom: at(2), receivedBefore: at(3) })).toBe(1);
  });

  it('rebuilds the state in an empty database', async () => {
    const held = await openTestStore();
    const told = [
      sumsub('applicantCreated', { externalUserId: 'customer-1' }, 1),
      sumsub('applicantReviewed', green, 5),
      sumsub(
        'applicantLevelChanged',
        { previousLevelName: 'basic-kyc-level', levelName: 'plus' },
        6,
      ),
      sumsub('applicantPending', { levelName: 'plus', reviewStatus: 'pending' }, 4),
      sumsub(
        'applicantActionReviewed',
        { applicantActionId: 'action-1', levelName: 'action', ...green },
        7,
      ),
      sumsub('applicantDeactivated', {}, 9),
    ];
    for (const body of told) await held.store.record(delivery('sumsub', body, NOW));
    const rows = await held.store.read.deliveries({}, { first: 100 });
    const ids = rows.rows.map(({ row }) => row.id);
    const bodies = await held.store.read.rawBodiesOf(ids);
    const rebuilt = await openTestStore();
    for (const body of bodies) await rebuilt.store.record(delivery('sumsub', String(body), NOW));
    expect(await stateOf(rebuilt.database)).toBe(await stateOf(held.database));
  });
});

describe('scheduled work', () => {
  const HOUR = 60 * 60_000;
  const lasting = (hours: number): Policy => ({
    verified: null,
    expiresAfterMs: { '*': hours * HOUR },
  });
  const approvedAt = Date.UTC(2024, 0, 1, 0, 0, 1);
  const hoursIn = (hours: number) => new Date(approvedAt + hours * HOUR);

  it('expires an approval, and logs the change', async () => {
    const { store } = await openTestStore({ policy: lasting(2) }, { clock: () => hoursIn(1) });
    await approvedFractalUser(store, 'uid-1');
    expect(await store.expire(hoursIn(1.9))).toBe(0);
    expect(await store.expire(hoursIn(2))).toBe(1);
    expect(await store.expire(hoursIn(3))).toBe(0);
    expect((await log(store)).at(-1)).toMatchObject({
      cause: { kind: 'EXPIRY' },
      previousLevelStatus: 'VERIFIED',
      levelStatus: 'EXPIRED',
      previousVerificationStatus: 'VERIFIED',
      verificationStatus: 'EXPIRED',
    });
    expect(await store.read.levelsOf([1])).toMatchObject([[{ status: 'EXPIRED' }]]);
  });

  it('finds due users by an index, and writes nothing without any', async () => {
    const sent: string[] = [];
    const options = { clock: () => hoursIn(1), onQuery: (sql: string) => sent.push(sql) };
    const { store, database } = await openTestStore({ policy: lasting(2) }, options);
    await approvedFractalUser(store, 'uid-1');
    sent.length = 0;
    expect(await store.expire(hoursIn(1))).toBe(0);
    expect(sent).toHaveLength(1);
    if (database.kind !== 'sqlite') return; // PostgreSQL plans by what is there
    const steps = await query<{ detail: string }>(
      database,
      `EXPLAIN QUERY PLAN ${sent[0]?.replaceAll('?', "'[]'")}`,
    );
    expect(steps.map(({ detail }) => detail)).toContainEqual(
      expect.stringMatching(/^SEARCH user_levels USING COVERING INDEX user_levels_by_expiry/),
    );
  });

  it('expires the others if one user fails, and logs it once', async () => {
    const faults: object[] = [];
    const log = {
      info() {},
      warn() {},
      fatal() {},
      error: (record: object) => faults.push(record),
    };
    const { store, database } = await openTestStore(
      { policy: lasting(2) },
      { clock: () => hoursIn(1) },
      log,
    );
    const broken = await approvedFractalUser(store, 'uid-1');
    const sound = await approvedFractalUser(store, 'uid-2');
    await change(
      database,
      `UPDATE events SET body = 'null' WHERE identity_id IN (SELECT id FROM identities WHERE user_id = ${broken})`,
    );

    expect(await store.expire(hoursIn(3))).toBe(1);
    expect(await store.expire(hoursIn(4))).toBe(0);
    const users = await store.read.usersByIds([broken, sound]);
    expect(users.map((user) => user?.verificationStatus)).toEqual(['VERIFIED', 'EXPIRED']);
    expect(faults).toEqual([{ userId: broken, err: expect.any(Error) }]);
  });

  it('does not expire a renewed approval', async () => {
    let now = hoursIn(1);
    const { store } = await openTestStore({ policy: lasting(2) }, { clock: () => now });
    const approveAt = (hours: number) => {
      const approval = fractalId('verification_approved', 'basic', 'uid-1', 1 + hours * 3_600);
      return store.record(delivery('fractal-id', approval, now));
    };
    await approveAt(0);
    expect(await approveAt(1)).toMatchObject({ disposition: 'APPLIED', changes: 0 });
    expect(await store.expire(hoursIn(2))).toBe(0);
    expect(await store.expire(hoursIn(3))).toBe(1);
    now = hoursIn(4);
    expect(await approveAt(4)).toMatchObject({ disposition: 'APPLIED', changes: 1 });
    expect((await log(store)).at(-1)).toMatchObject({
      cause: { kind: 'DELIVERY', deliveryId: 3 },
      previousLevelStatus: 'EXPIRED',
      levelStatus: 'VERIFIED',
      previousVerificationStatus: 'EXPIRED',
      verificationStatus: 'VERIFIED',
    });
    expect(await store.read.levelsOf([1])).toMatchObject([
      [{ since: toInstantText(hoursIn(4)), expiresAt: toInstantText(hoursIn(6)) }],
    ]);
  });

  it('projects all users again at the next start after a change of the rules', async () => {
    const opened = await openTestStore({}, { clock: () => hoursIn(5) });
    await approvedFractalUser(opened.store, 'uid-1');
    const stricter: Policy = {
      verified: { allOf: [{ level: 'fractal-id/basic' }, { level: 'fractal-id/liveness' }] },
      expiresAfterMs: {},
    };
    const store = await opened.reopen({ policy: stricter });
    expect((await log(store)).at(-1)).toMatchObject({
      cause: { kind: 'POLICY' },
      previousVerificationStatus: 'VERIFIED',
      verificationStatus: 'NOT_VERIFIED',
    });
    const entries = (await log(store)).length;
    expect(await log(await opened.reopen({ policy: stricter }))).toHaveLength(entries);
    const lenient = await opened.reopen();
    expect((await log(lenient)).at(-1)).toMatchObject({ verificationStatus: 'VERIFIED' });
  });

  it('projects all users again at the next start with another projection version', async () => {
    const opened = await openTestStore();
    await approvedFractalUser(opened.store, 'uid-1');
    const { policy, acceptSandbox } = opened.config;
    const rules = createHash('sha256').update(JSON.stringify({ policy, acceptSandbox }));
    // Simulates a version that applied the same rules with another result.
    await change(
      opened.database,
      `UPDATE settings SET value = '${rules.digest('hex')}' WHERE name = 'rules'`,
    );
    await change(opened.database, "UPDATE user_levels SET status = 'NOT_VERIFIED'");
    await change(opened.database, "UPDATE users SET verification_status = 'NOT_VERIFIED'");
    const store = await opened.reopen();
    expect(await store.read.userByIdentity('fractal-id', 'uid-1')).toMatchObject({
      verificationStatus: 'VERIFIED',
    });
    expect((await log(store)).at(-1)).toMatchObject({ cause: { kind: 'POLICY' } });
  });

  it('trims the log, and continues its positions', async () => {
    let now = hoursIn(1);
    const { store, database } = await openTestStore({}, { clock: () => now });
    await approvedFractalUser(store, 'uid-1');
    now = hoursIn(10);
    await approvedFractalUser(store, 'uid-2');
    expect((await store.read.logState()).floor.seq).toBe(0);
    expect(await store.trimLog(hoursIn(5))).toBe(1);
    expect((await store.read.logState()).floor.seq).toBe(1);
    expect((await log(store)).map(({ seq }) => seq)).toEqual([2]);
    expect(await store.trimLog(hoursIn(50))).toBe(1);
    expect([await store.read.head(), (await store.read.logState()).floor.seq]).toEqual([2, 2]);
    await approvedFractalUser(store, 'uid-3');
    expect((await log(store)).map(({ seq }) => seq)).toEqual([3]);
    expect(await query(database, 'SELECT count(*) AS n FROM changes')).toEqual([{ n: 1 }]);
  });
});

// Regression: one transaction trimmed a long log, so that all deliveries waited. P100 does not wait for long.
it('trims a long log in steps, between which deliveries are stored', async () => {
  let deletes = 0;
  const onQuery = (sql: string) => {
    deletes += Number(sql.startsWith('DELETE FROM changes'));
  };
  const { store, database } = await openTestStore({}, { onQuery, clock: () => NOW });
  await approvedFractalUser(store, 'uid-1');
  await change(
    database,
    `INSERT INTO changes (id, user_id, verification_status, previous_verification_status, active, previous_active, cause,
        occurred_at, recorded_at)
      SELECT value + 1, 1, 'VERIFIED', 'VERIFIED', true, true, 'POLICY', '',
        CASE WHEN value < 6000 THEN '2024-02-01T13' ELSE '2024-02-01T23' END
      FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 7000)
        SELECT value FROM n) numbers`,
  );
  // SQLite tracks used numbers itself. On PostgreSQL, a writer must read the sequencer again.
  if (database.kind === 'postgres') {
    await change(database, 'UPDATE sequencer SET version = version + 1, changes = changes + 7000');
  }
  const trimmed = store.trimLog(new Date('2024-02-01T20:00:00Z'));
  await approvedFractalUser(store, 'uid-2');
  const before = deletes;
  expect(await trimmed).toBe(6000);
  expect(before).toBeLessThan(deletes);
  expect([(await store.read.logState()).floor.seq, await store.read.head()]).toEqual([6000, 7002]);
});

describe('API keys', () => {
  it('are found by their hash until they are revoked', async () => {
    const { store } = await openTestStore();
    const key = await store.apiKeys.create({
      name: 'reporting',
      prefix: 'abcdefgh',
      hash: 'ff'.repeat(32),
      scopes: ['read'],
      auditActor: 'test',
      now: NOW,
    });
    expect(await store.apiKeys.findByHash('ff'.repeat(32))).toEqual(key);
    expect(await store.apiKeys.findByHash('00'.repeat(32))).toBeNull();
    expect(await store.apiKeys.revokedAmong([key.id, 77])).toEqual(new Set([77]));
    expect(await store.apiKeys.revoke('abcdefgh', 'test', NOW)).toBe(true);
    expect(await store.apiKeys.revoke('abcdefgh', 'test', NOW)).toBe(false);
    expect(await store.apiKeys.revokedAmong([key.id])).toEqual(new Set([key.id]));
    expect(await store.apiKeys.list()).toMatchObject([{ name: 'reporting', revokedAt: NOW }]);
  });
});
