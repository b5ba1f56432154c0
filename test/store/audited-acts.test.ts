/** Tests that actions of operators and of the gateway are logged in the audit log, in the transaction of the action. */

import type { AuditEntry } from '../../src/domain/audit';
import type { Store } from '../../src/store/store';
import { change, query } from '../support/databases';
import { openTestStore, stateOf } from './open-test-store';
import { delivery, fractalId } from './provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00.000Z');
const BY = 'ApiKey:3 back office';
const KEY = { name: 'reporting', prefix: 'abcdefgh', hash: 'ff'.repeat(32), scopes: ['read'] };

async function entriesOf(store: Store): Promise<readonly Partial<AuditEntry>[]> {
  expect(await store.audit.verify(null)).toMatchObject({ ok: true });
  const { rows } = await store.read.auditEntries({}, { first: 100 });
  return rows
    .map(({ row: { action, actor, subject, details } }) => ({ action, actor, subject, details }))
    .reverse();
}

function approved(ref: string, second = 1) {
  return delivery('fractal-id', fractalId('verification_approved', 'basic', ref, second), NOW);
}

function replay(store: Store, dryRun: boolean) {
  return store.replay({
    selection: { provider: 'fractal-id' },
    dryRun,
    changeActor: 'back office',
    auditActor: BY,
    now: NOW,
    reread: (kept) => ({
      kind: 'QUARANTINED',
      eventType: null,
      duplicateKey: String(kept.id),
      reason: { code: 'PAYLOAD_INVALID', message: 'expected something else' },
    }),
  });
}

it('logs the creation of a user once, without the external ID', async () => {
  const { store } = await openTestStore();
  for (let round = 0; round < 2; round += 1) {
    await store.createUser({ externalUserId: 'customer-1', auditActor: BY, now: NOW });
  }
  expect(await entriesOf(store)).toEqual([
    { action: 'USER_CREATED', actor: BY, subject: 'User:1', details: {} },
  ]);
});

it('logs the link of an identity, with the merged user', async () => {
  const { store } = await openTestStore();
  await store.record(approved('uid-1'));
  const { userId } = await store.createUser({
    externalUserId: 'customer-1',
    auditActor: BY,
    now: NOW,
  });
  const input = {
    provider: 'fractal-id',
    subjectRef: 'uid-1',
    changeActor: 'name',
    auditActor: BY,
    now: NOW,
  };
  expect(await store.linkIdentity({ ...input, userId: 77 })).toMatchObject({ ok: false });
  expect(await store.linkIdentity({ ...input, userId })).toMatchObject({ ok: true });
  expect((await entriesOf(store)).slice(1)).toEqual([
    {
      action: 'IDENTITY_LINKED',
      actor: BY,
      subject: `User:${userId}`,
      details: { provider: 'fractal-id', identityId: 1, mergedUserId: 1 },
    },
  ]);
});

it('logs each step of a replay, but no dry run', async () => {
  const { store } = await openTestStore();
  for (let index = 0; index < 250; index += 1) await store.record(approved(`uid-${index}`));
  await replay(store, true);
  expect(await entriesOf(store)).toEqual([]);
  await replay(store, false);
  const step = { action: 'DELIVERIES_REPLAYED', actor: BY, subject: null };
  const counts = { dispositionChanges: 0, changes: 0 };
  expect(await entriesOf(store)).toEqual([
    { ...step, details: { ...counts, deliveries: 200, failed: 200, first: 1, last: 200 } },
    { ...step, details: { ...counts, deliveries: 50, failed: 50, first: 201, last: 250 } },
  ]);
});

it('logs the creation and the revocation of API keys', async () => {
  const { store } = await openTestStore();
  await store.apiKeys.create({ ...KEY, auditActor: 'cli:root', now: NOW });
  expect(await store.apiKeys.revoke('unknown2', 'cli:root', NOW)).toBe(false);
  expect(await store.apiKeys.revoke(KEY.prefix, 'cli:root', NOW)).toBe(true);
  expect(await store.apiKeys.revoke(KEY.prefix, 'cli:root', NOW)).toBe(false);
  const details = { name: 'reporting', prefix: 'abcdefgh', scopes: 'read' };
  expect(await entriesOf(store)).toEqual([
    { action: 'API_KEY_CREATED', actor: 'cli:root', subject: 'ApiKey:1', details },
    { action: 'API_KEY_REVOKED', actor: 'cli:root', subject: 'ApiKey:1', details },
  ]);
});

it('logs how many entries are deleted from the change log', async () => {
  const { store } = await openTestStore({}, { clock: () => NOW });
  await store.record(approved('uid-1'));
  const entries = await store.read.head();
  expect(await store.trimLog(NOW)).toBe(0);
  expect(await entriesOf(store)).toEqual([]);
  expect(await store.trimLog(new Date(NOW.getTime() + 1))).toBe(entries);
  expect(await entriesOf(store)).toEqual([
    { action: 'LOG_TRIMMED', actor: 'gateway', subject: null, details: { entries, upTo: entries } },
  ]);
});

it('logs a change of the rules once, but not the first rules', async () => {
  const opened = await openTestStore({ acceptSandbox: true });
  const changed = await opened.reopen({ acceptSandbox: false });
  expect(await entriesOf(changed)).toMatchObject([
    { action: 'PROJECTION_RULES_CHANGED', actor: 'gateway', subject: null },
  ]);
  expect(await entriesOf(await opened.reopen({ acceptSandbox: false }))).toHaveLength(1);
});

it('rolls back an action that cannot be logged', async () => {
  const { store, database } = await openTestStore({}, { clock: () => NOW });
  await store.record(approved('uid-1'));
  const { userId } = await store.createUser({
    externalUserId: 'customer-1',
    auditActor: BY,
    now: NOW,
  });
  const { id } = await store.apiKeys.create({ ...KEY, auditActor: BY, now: NOW });
  const before = await stateOf(database);
  const head = await store.read.head();
  await change(database, 'ALTER TABLE audit_entries RENAME TO elsewhere');

  const later = new Date(NOW.getTime() + 1);
  const input = {
    provider: 'fractal-id',
    subjectRef: 'uid-1',
    changeActor: 'name',
    auditActor: BY,
    now: NOW,
  };
  for (const attempt of [
    () => store.createUser({ externalUserId: 'customer-2', auditActor: BY, now: NOW }),
    () => store.linkIdentity({ ...input, userId }),
    () =>
      store.apiKeys.create({ ...KEY, prefix: 'other222', hash: 'ee', auditActor: BY, now: NOW }),
    () => store.apiKeys.revoke(KEY.prefix, BY, NOW),
    () => store.trimLog(later),
  ]) {
    await expect(attempt()).rejects.toThrow();
  }
  await expect(replay(store, false)).resolves.toMatchObject({ failed: [{ deliveryId: 1 }] });

  expect(await stateOf(database)).toBe(before);
  expect(await store.read.head()).toBe(head);
  expect((await store.read.logState()).floor.seq).toBe(0);
  expect(await store.apiKeys.list()).toMatchObject([{ id, revokedAt: null }]);
  await change(database, 'ALTER TABLE elsewhere RENAME TO audit_entries');
  expect((await entriesOf(store)).map(({ action }) => action)).toEqual([
    'USER_CREATED',
    'API_KEY_CREATED',
  ]);
  const [users] = await query<{ n: number }>(database, 'SELECT count(*) AS n FROM users');
  expect(users?.n).toBe(2);
});
