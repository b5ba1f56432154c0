/** Tests the rotation of the master key: no data is lost, even if it is interrupted. */

import { join } from 'node:path';
import type { IncomingDelivery } from '../../../src/domain/delivery';
import { ConfigError } from '../../../src/domain/errors';
import type { MasterKey } from '../../../src/encryption/key-ring';
import type { RotateDataKeys } from '../../../src/store/keys/rotate';
import type { StoreLog } from '../../../src/store/open-store';
import type { Store } from '../../../src/store/store';
import { spawnScript } from '../../cli/spawn';
import { cellsOf, change, query } from '../../support/databases';
import { openBeside, openTestStore, SILENT, type TestStore } from '../open-test-store';
import { delivery, fractalId, paycaddy } from '../provider-deliveries';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const OLD: MasterKey = { id: 'old', key: Buffer.alloc(32, 1) };
const NEW: MasterKey = { id: 'new', key: Buffer.alloc(32, 2) };

const ROTATION: RotateDataKeys = { auditActor: 'test', now: () => NOW, onProgress() {} };

/** Stores a profile for each user, and a malformed delivery for every third. */
function deliveriesOf(users: number): readonly IncomingDelivery[] {
  return Array.from({ length: users }, (_, index) => {
    const named = delivery('paycaddy', paycaddy('verified', `user-${index}`, index + 1), NOW);
    const unread = delivery('fractal-id', { unreadable: index }, NOW);
    return index % 3 === 0 ? [named, unread] : [named];
  }).flat();
}

async function openFilled(users: number): Promise<TestStore> {
  const opened = await openTestStore({ dataKeys: [OLD] });
  await Promise.all(deliveriesOf(users).map((one) => opened.store.record(one)));
  return opened;
}

async function secretsOf(database: TestStore['database']): Promise<number> {
  const sql = "SELECT count(*) AS n FROM settings WHERE name LIKE '%secret'";
  return (await query<{ n: number }>(database, sql))[0]?.n ?? 0;
}

/** Checks that all encrypted data is readable and that a duplicate is recognized. */
async function expectWhole(store: Store, users: number): Promise<void> {
  const deliveries = deliveriesOf(users);
  const bodies = await store.read.rawBodiesOf(deliveries.map((_, index) => index + 1));
  const sorted = (texts: readonly (string | undefined)[]) => [...texts].sort();
  expect(sorted(bodies.map((body) => body?.toString()))).toEqual(
    sorted(deliveries.map(({ rawBody }) => rawBody.toString())),
  );
  const ids = Array.from({ length: users }, (_, index) => index + 1);
  expect(new Set((await store.read.profilesOf(ids)).map((profile) => profile?.age))).toEqual(
    new Set(['33']),
  );
  const read = deliveries.filter(({ reading }) => reading.kind === 'EVENTS'); // a malformed delivery may be a new event when it arrives again
  const repeats = await Promise.all(read.map((one) => store.record(one)));
  expect(repeats.filter(({ duplicate }) => duplicate)).toHaveLength(users);
  expect(await store.audit.verify(null)).toMatchObject({ ok: true });
}

it('re-encrypts everything, so that the old key is not needed', async () => {
  const { store, reopen, database } = await openFilled(601);
  expect((await cellsOf(database)).filter(names(OLD)).length).toBeGreaterThan(601);
  await store.close();
  const rotating = await reopen({ dataKeys: [NEW, OLD] });
  const secrets = await secretsOf(database);
  const told: number[] = [];

  const outcome = await rotating.rotateDataKeys({
    ...ROTATION,
    onProgress: ({ done }) => told.push(done),
  });

  expect(outcome).toEqual({
    current: 'new',
    done: 601 + 201 + secrets,
    unreadable: [],
    usage: [{ id: 'new', dataKeys: 601, bodies: 201, secrets }],
    unused: ['old'],
  });
  expect(told.length).toBeGreaterThan(3);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.at(-1)).toBe(outcome.done);
  expect(secrets).toBeGreaterThan(1);
  const left = (await cellsOf(database)).filter(names(OLD));
  expect(left.map(({ table }) => table)).toEqual(['audit_entries']); // the release of the old key
  await expectWhole(await reopen({ dataKeys: [NEW] }), 601);
});

it('logs its start and end in the audit log, unless there is nothing to do', async () => {
  const { reopen, database } = await openFilled(3);
  const items = 3 + 1 + (await secretsOf(database));
  const store = await reopen({ dataKeys: [NEW, OLD] });

  await store.rotateDataKeys(ROTATION);
  expect(await store.rotateDataKeys(ROTATION)).toMatchObject({ done: 0, unused: [] });

  const { rows } = await store.read.auditEntries({}, { first: 10 });
  const acts = rows.map(({ row }) => row).filter(({ action }) => action === 'DATA_KEYS_ROTATED');
  expect(acts.reverse()).toMatchObject([
    { actor: 'test', details: { current: 'new', begun: true, items } },
    { actor: 'test', details: { current: 'new', begun: false, items, left: 0, unused: 'old' } },
  ]);
});

it('fails with the ID of a missing key', async () => {
  const { reopen } = await openFilled(1);
  const refusal = await reopen({ dataKeys: [NEW] }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ConfigError);
  expect((refusal as ConfigError).faults.join()).toMatch(/^DATA_KEYS: .*\bold\b/);
});

it('fails at the next start if the old key was used after its release', async () => {
  const { store: late, config } = await openFilled(1);
  const beside = await openBeside({ ...config, dataKeys: [NEW, OLD] });
  expect(await beside.rotateDataKeys(ROTATION)).toMatchObject({ unused: ['old'] });

  // A gateway that started before the rotation still encrypts with the old key.
  await late.record(delivery('paycaddy', paycaddy('verified', 'late', 1), NOW));

  await expect(openBeside({ ...config, dataKeys: [NEW] })).rejects.toThrow(/\bold\b/);
  const again = await openBeside({ ...config, dataKeys: [NEW, OLD] });
  expect(await again.rotateDataKeys(ROTATION)).toMatchObject({ done: 1, unused: ['old'] });
  await openBeside({ ...config, dataKeys: [NEW] });
});

it('does not restore keys that are deleted during the rotation', async () => {
  const { reopen, database } = await openFilled(300);
  const store = await reopen({ dataKeys: [NEW, OLD] });
  let destroyed: Promise<void> | undefined;

  const { done } = await store.rotateDataKeys({
    ...ROTATION,
    onProgress() {
      destroyed ??= change(database, 'DELETE FROM identity_keys WHERE identity_id IN (2, 299)');
    },
  });

  await destroyed;
  expect(done).toBeGreaterThanOrEqual(300 + 100 + (await secretsOf(database)) - 1);
  const profiles = await store.read.profilesOf([1, 2, 299, 300]);
  expect(profiles.map((profile) => profile?.age)).toEqual(['33', undefined, undefined, '33']);
});

it('reports a modified row, rotates the others and keeps the old key', async () => {
  const { reopen, database } = await openFilled(4);
  const bytes = database.kind === 'sqlite' ? "x'00112233'" : "'\\x00112233'";
  await change(database, `UPDATE identity_keys SET data_key = ${bytes} WHERE identity_id = 2`);
  const store = await reopen({ dataKeys: [NEW, OLD] });
  const secrets = await secretsOf(database);

  expect(await store.rotateDataKeys(ROTATION)).toEqual({
    current: 'new',
    done: 4 - 1 + 2 + secrets,
    unreadable: ['identity_keys 2'],
    usage: [
      { id: 'new', dataKeys: 3, bodies: 2, secrets },
      { id: 'old', dataKeys: 1, bodies: 0, secrets: 0 },
    ],
    unused: [],
  });
  await expect(reopen({ dataKeys: [NEW] })).rejects.toThrow(ConfigError);
});

it('limits the size of a step', async () => {
  const { store, reopen, database } = await openTestStore({ dataKeys: [OLD] });
  const large = Array.from({ length: 5 }, (_, index) =>
    delivery('fractal-id', { unreadable: index, filling: 'x'.repeat(700_000) }, NOW),
  );
  await Promise.all(large.map((one) => store.record(one)));
  const rotating = await reopen({ dataKeys: [NEW, OLD] });
  const secrets = await secretsOf(database);
  const told: number[] = [];

  await rotating.rotateDataKeys({
    ...ROTATION,
    onProgress: ({ done }) => told.push(done - secrets),
  });

  expect(told).toEqual([1, 2, 3, 4, 5]);
  const alone = await reopen({ dataKeys: [NEW] });
  const bodies = await alone.read.rawBodiesOf([1, 2, 3, 4, 5]);
  expect(bodies.map((body) => body?.length)).toEqual(large.map(({ rawBody }) => rawBody.length));
});

it('logs older keys at startup while they are in use', async () => {
  const lines: object[] = [];
  const log: StoreLog = { ...SILENT, info: (record) => lines.push(record) };
  const { store, reopen } = await openTestStore({ dataKeys: [OLD] }, {}, log);
  await store.record(
    delivery('fractal-id', fractalId('verification_approved', 'basic', 'a', 1), NOW),
  );
  expect(lines).toEqual([]);

  const rotating = await reopen({ dataKeys: [NEW, OLD] });
  expect(lines).toEqual([{ current: 'new', older: ['old'] }]);

  await rotating.rotateDataKeys(ROTATION);
  await reopen({ dataKeys: [NEW, OLD] });
  expect(lines).toHaveLength(1);
});

describe('killed', () => {
  // Stops before a statement of the second step over the data keys.
  it.each(['in a step', 'between two steps'])('%s, continues from there', async (place) => {
    const { store, reopen, config, url } = await openFilled(601);
    await store.close();
    const args = [
      url,
      place,
      ...[NEW, OLD].map(({ id, key }) => `${id}:${key.toString('base64')}`),
    ];
    const killed = spawnScript(join(__dirname, 'rotating.ts'), {}, args);
    await killed.printed('in the midst of it');
    killed.process.kill('SIGKILL');
    await killed.finished;

    const counts = await query<{ n: number }>(
      config.database,
      "SELECT count(*) AS n FROM identity_keys WHERE data_key_id = 'new'",
    );
    expect(counts[0]?.n).toBe(250);
    await expect(reopen({ dataKeys: [NEW] })).rejects.toThrow(/\bold\b/);
    const again = await reopen({ dataKeys: [NEW, OLD] });
    expect(await again.rotateDataKeys(ROTATION)).toMatchObject({
      done: 601 - 250 + 201,
      unused: ['old'],
    });
    await expectWhole(await reopen({ dataKeys: [NEW] }), 601);
  });
});

function names({ id }: MasterKey): (cell: { readonly bytes: Buffer }) => boolean {
  const word = new RegExp(`\\b${id}\\b`);
  return ({ bytes }) => word.test(bytes.toString('latin1'));
}
