/** Tests backups taken while webhooks arrive, and gateways that continue from them. */

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCli } from '../../../src/cli/program';
import { getDriver } from '../../../src/store/sqlite/driver';
import { codesOf, startGateway, type TestGateway } from '../../e2e/support/gateway';
import { about, GREEN } from '../../e2e/support/messages';
import { askOverSocket } from '../../e2e/support/query-over-socket';
import { query } from '../../support/databases';
import { createDisposal } from '../../support/disposal';
import { createTempDir } from '../../support/temp-dir';
import { until } from '../../support/until';

const disposal = createDisposal();
const LOG = 'SELECT * FROM changes ORDER BY id';

function fileOf({ config: { database } }: TestGateway): string {
  if (database.kind !== 'sqlite') throw new Error('expected a file');
  return database.file;
}

async function backUp(gateway: TestGateway, target: string, env: object = {}, keys?: string) {
  const [{ id, key }] = gateway.config.dataKeys;
  const err: string[] = [];
  const args = ['backup', target, ...(keys === undefined ? [] : ['--keys', keys])];
  const code = await runCli(args, {
    env: {
      NODE_ENV: 'production',
      DATABASE_URL: `sqlite:${fileOf(gateway)}`,
      DATA_KEYS: `${id}:${key.toString('base64')}`,
      ...env,
    },
    dotEnvFile: '/nowhere',
    print: () => {},
    printError: (line) => err.push(line),
    isTerminal: false,
  });
  return { code, err: err.join('\n') };
}

/** Restores the copy and its keys in another folder. Returns the output of the command. */
async function restore(copy: string, keys?: string) {
  const DATA_DIR = await createTempDir(disposal);
  const file = join(DATA_DIR, 'restored.sqlite');
  const [out, err]: string[][] = [[], []];
  const args = ['restore', copy, ...(keys === undefined ? [] : ['--keys', keys])];
  const code = await runCli(args, {
    env: {
      DATA_DIR,
      DATABASE_URL: `sqlite:${file}`,
      DATA_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    },
    dotEnvFile: '/nowhere',
    print: (line) => out?.push(line),
    printError: (line) => err?.push(line),
    isTerminal: false,
  });
  return { code, file, out: out?.join('\n'), err: err?.join('\n') };
}

async function goOnFrom(copy: string): Promise<TestGateway> {
  const { file, code, err } = await restore(copy);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return await startGateway(disposal, { env: { DATABASE_URL: `sqlite:${file}` } });
}

/** Posts without a pause, several at a time. Returns a function that stops it. */
function keepPosting(gateway: TestGateway): () => Promise<number> {
  let posting = true;
  let posted = 0;
  const loops = Array.from({ length: 8 }, async () => {
    while (posting) {
      posted += 1;
      const user = `user-${posted % 500}`;
      const words = posted % 3 === 0 ? GREEN : { reviewStatus: 'pending' };
      const type = posted % 3 === 0 ? 'applicantReviewed' : 'applicantPending';
      await gateway.post('sumsub', about(user, type, posted, words));
    }
  });
  return async () => {
    posting = false;
    await Promise.all(loops);
    return posted;
  };
}

/** Runs without foreign keys. */
async function change(file: string, sql: string): Promise<void> {
  const database = await getDriver().open(file, 5_000);
  for (const statement of ['PRAGMA foreign_keys = OFF', ...sql.split(';')]) {
    if (statement.trim() !== '') await (await database.prepare(statement)).all([]);
  }
  await database.close();
}

const TALLY = '{ cursor users { totalCount } webhookDeliveries { totalCount } }';
const DRY_RUN = `mutation { replayDeliveries(input: { receivedFrom: "2000-01-01T00:00:00Z", dryRun: true }) {
  deliveries dispositionChanges { after } failed { code } changes { id } userErrors { code } } }`;

describe('a backup under load', () => {
  it('is one snapshot, from which a gateway continues', async () => {
    const live = await startGateway(disposal);
    const folder = await createTempDir(disposal);
    const target = join(folder, 'kyc.sqlite');
    const stopPosting = keepPosting(live);
    await until(async () => (await live.store.read.head()) > 300);
    const headBefore = await live.store.read.head();
    const backup = await backUp(live, target);
    const headAfter = await live.store.read.head();
    await stopPosting();

    expect(backup).toEqual({ code: 0, err: '' });
    expect(readdirSync(folder).sort()).toEqual(['identity-keys.sqlite', 'kyc.sqlite']);
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(headAfter).toBeGreaterThan(headBefore); // it was under load
    const liveLog = await query(live.config.database, LOG);
    const log = await query({ kind: 'sqlite', file: target }, LOG);
    expect(log.length).toBeGreaterThanOrEqual(headBefore);
    expect(log.length).toBeLessThanOrEqual(headAfter);
    expect(log).toEqual(liveLog.slice(0, log.length));

    const restored = await goOnFrom(target);
    const { data } = await restored.ask(TALLY);
    expect(data.webhookDeliveries.totalCount).toBeGreaterThan(0);
    const replay = (await restored.ask(DRY_RUN)).data.replayDeliveries;
    expect(replay).toMatchObject({
      dispositionChanges: [],
      failed: [],
      changes: [],
      userErrors: [],
    });
    expect(replay.deliveries).toBe(data.webhookDeliveries.totalCount);
    const reply = await restored.post('sumsub', about('new', 'applicantReviewed', 1, GREEN));
    expect(reply.kept?.disposition).toBe('APPLIED');
    expect(await restored.store.read.head()).toBeGreaterThan(log.length);
  });

  it('rejects cursors of the original, because later changes may get other numbers', async () => {
    const live = await startGateway(disposal);
    await live.post('sumsub', about('ann', 'applicantReviewed', 1, GREEN));
    const { data } = await live.ask('{ cursor }');
    const target = join(await createTempDir(disposal), 'kyc.sqlite');
    await backUp(live, target);

    const restored = await goOnFrom(target);
    const query = 'subscription ($after: String) { statusChanged(after: $after) { cursor } }';
    const variables = { after: data.cursor };
    expect(codesOf(await askOverSocket(disposal, restored, query, variables))).toEqual([
      'CURSOR_INVALID',
    ]);
  });
});

describe('the keys of a backup', () => {
  const erase = async (gateway: TestGateway, externalUserId: string) => {
    const input = `{ externalUserId: "${externalUserId}", reason: "request 17" }`;
    const { data } = await gateway.ask(`mutation { eraseUser(input: ${input}) { erased } }`);
    expect(data.eraseUser.erased).toBe(true);
  };
  const account = (applicantId: string, externalUserId: string | undefined, millisecond: number) =>
    about('', 'applicantReviewed', millisecond, { ...GREEN, applicantId, externalUserId });
  const statusesIn = async ({ ask }: TestGateway) => {
    const { data } = await ask('{ users { nodes { externalUserId verificationStatus } } }');
    type Node = { readonly externalUserId: string | null; readonly verificationStatus: string };
    const entries = data.users.nodes.map((node: Node) => [
      String(node.externalUserId),
      node.verificationStatus,
    ]);
    return Object.fromEntries(entries);
  };
  const BODIES =
    '{ users { nodes { externalUserId erasedAt } } webhookDeliveries { nodes { rawBody(reason: "a check") } } }';

  it('are not in the copy, which is unreadable without them', async () => {
    const live = await startGateway(disposal);
    await live.post('sumsub', about('ann', 'applicantReviewed', 1, GREEN));
    const folder = await createTempDir(disposal);
    const target = join(folder, 'kyc.sqlite');
    await backUp(live, target);
    const [key] = await query<{ data_key: Buffer }>(
      live.config.database,
      'SELECT data_key FROM identity_keys',
    );
    const wrapped = key?.data_key ?? Buffer.from('none');
    expect(readFileSync(target).includes(wrapped)).toBe(false);
    expect(readFileSync(join(folder, 'identity-keys.sqlite')).includes(wrapped)).toBe(true);
    expect(statSync(join(folder, 'identity-keys.sqlite')).mode & 0o777).toBe(0o600);
    const start = startGateway(disposal, { env: { DATABASE_URL: `sqlite:${target}` } });
    await expect(start).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('of a later backup decrypt it, except for users erased since', async () => {
    const live = await startGateway(disposal);
    await live.post('sumsub', about('ann', 'applicantReviewed', 1, GREEN));
    await live.post('sumsub', about('vermilion', 'applicantReviewed', 2, GREEN));
    const folder = await createTempDir(disposal);
    const old = join(folder, 'old.sqlite');
    await backUp(live, old);
    await erase(live, 'vermilion');
    await live.post('sumsub', about('bo', 'applicantReviewed', 3, GREEN));
    await backUp(live, join(folder, 'new.sqlite'));

    const { code, file, out } = await restore(old);
    expect(code).toBe(0);
    expect(out).toContain('Erased 1 users');
    expect(readdirSync(dirname(file)).sort()).toEqual(['restored.sqlite', 'secrets.env']);
    const bytes = readFileSync(file);
    expect([bytes.includes('vermilion'), bytes.includes('ann')]).toEqual([false, true]);
    const restored = await startGateway(disposal, { env: { DATABASE_URL: `sqlite:${file}` } });
    const { data } = await restored.ask(BODIES);
    const users = data.users.nodes.map(
      ({ externalUserId }: { externalUserId: string }) => externalUserId,
    );
    expect(users.sort()).toEqual(['ann', null]);
    const bodies = data.webhookDeliveries.nodes.map(({ rawBody }: { rawBody: string }) => rawBody);
    expect(bodies).toEqual([null, expect.stringContaining('ann')]);
    expect(await restored.store.audit.verify(null)).toMatchObject({ ok: true });
  });

  // Regression: a released hold still applied, a hold set since the copy was lost, and users without identities were missed.
  it('include legal holds, pending erasures and erased users', async () => {
    const live = await startGateway(disposal);
    for (const [index, name] of ['ann', 'bo', 'cy', 'eve'].entries()) {
      await live.post('sumsub', about(name, 'applicantReviewed', index, GREEN));
    }
    await live.store.createUser({
      externalUserId: 'vermilion',
      auditActor: 'desk',
      now: new Date(),
    });
    const hold = (externalUserId: string, verb = 'set', word = 'basis') =>
      live.ask(`mutation { ${verb}LegalHold(input: { externalUserId: "${externalUserId}", ${word}: "case 4" }) {
        userErrors { code } } }`);
    await hold('ann');
    await hold('bo');
    const folder = await createTempDir(disposal);
    const old = join(folder, 'old.sqlite');
    await backUp(live, old);
    for (const name of ['ann', 'bo']) await hold(name, 'release', 'reason');
    await hold('cy');
    await erase(live, 'ann');
    await erase(live, 'vermilion');
    await live.post('sumsub', about('dora', 'applicantReviewed', 4, GREEN));
    await erase(live, 'dora');
    const soon = new Date(Date.now() + 60 * 60_000).toISOString();
    await live.ask(`mutation {
      setLegalHold(input: { externalUserId: "eve", basis: "case 5", until: "${soon}" }) { userErrors { code } }
      eve: eraseUser(input: { externalUserId: "eve", reason: "request 19" }) { erased }
      cy: eraseUser(input: { externalUserId: "cy", reason: "request 18" }) { erased } }`);
    await backUp(live, join(folder, 'new.sqlite'));

    const { code, file, out } = await restore(old);
    expect(code).toBe(0);
    expect(out).toContain('Erased 2 users and 0 identities');
    expect(out).toContain('Postponed 1 due erasures');
    expect(out).toContain('The restored data lacks');
    const clock = { now: new Date() };
    const env = { DATABASE_URL: `sqlite:${file}` };
    const restored = await startGateway(disposal, { env, clock: () => clock.now });
    const names = async () => {
      const { data } = await restored.ask('{ users { nodes { externalUserId } } }');
      return data.users.nodes
        .map(({ externalUserId }: { externalUserId: string }) => externalUserId)
        .sort();
    };
    expect(await names()).toEqual(['bo', 'cy', 'eve', null, null]);
    // The provider sends again what arrived after the copy. It must not bring erased users back.
    for (const [index, name] of [
      [0, 'ann'],
      [4, 'dora'],
    ] as const) {
      const late = await restored.post('sumsub', about(name, 'applicantPending', index, {}));
      expect(late.kept?.disposition).toBe('IGNORED');
    }
    const erased = 'SELECT digest, erased_at FROM erased_subjects ORDER BY digest';
    expect(await query(restored.config.database, erased)).toEqual(
      await query(live.config.database, erased),
    );
    clock.now = new Date(clock.now.getTime() + 25 * 60 * 60_000);
    await until(async () => !(await names()).includes('eve'));
    expect(await names()).toEqual(['bo', 'cy', null, null, null]);
    await restored.ask(
      'mutation { releaseLegalHold(input: { externalUserId: "cy", reason: "closed" }) { userErrors { code } } }',
    );
    await until(async () => !(await names()).includes('cy'));
    expect(await names()).toEqual(['bo', null, null, null, null]);
  });

  // Regression: a user who had lost one of several identities was erased completely, and later events were taken for late ones.
  it('keep a user who lost one identity and has another now', async () => {
    const live = await startGateway(disposal);
    const one = account('s1', 'vermilion', 1);
    const other = account('s2', 'vermilion', 2);
    const { kept } = await live.post('sumsub', one);
    const folder = await createTempDir(disposal);
    const old = join(folder, 'old.sqlite');
    await backUp(live, old);
    await live.post('sumsub', other);
    await live.store.erasures.eraseIdentity({
      ...{ provider: 'sumsub', subjectRef: 's1', deliveryId: Number(kept?.deliveryId) },
      ...{
        occurredAt: undefined,
        reason: null,
        changeActor: 'sumsub',
        auditActor: 'sumsub',
        now: new Date(),
      },
    });
    await backUp(live, join(folder, 'new.sqlite'));

    const { out, file } = await restore(old);
    expect(out).toContain('Erased 0 users and 1 identities');
    const restored = await startGateway(disposal, { env: { DATABASE_URL: `sqlite:${file}` } });
    expect(await statusesIn(restored)).toEqual({ vermilion: 'NOT_VERIFIED', null: 'VERIFIED' });
    expect((await restored.post('sumsub', one)).kept?.duplicate).toBe(true);
    expect((await restored.post('sumsub', other)).kept?.disposition).toBe('APPLIED');
    expect(await statusesIn(restored)).toEqual({ vermilion: 'VERIFIED', null: 'VERIFIED' });
  });

  // Regression: for a day, events of a returned user were taken for events of the erased one, and were then erased.
  it('keep a user who returned with the ID of a user without identities', async () => {
    const live = await startGateway(disposal);
    await live.store.createUser({
      externalUserId: 'vermilion',
      auditActor: 'desk',
      now: new Date(),
    });
    const folder = await createTempDir(disposal);
    const old = join(folder, 'old.sqlite');
    await backUp(live, old);
    await erase(live, 'vermilion');
    const back = account('s2', 'vermilion', Date.now() + 1_000 - Date.UTC(2024, 0, 1));
    expect((await live.post('sumsub', back)).kept?.disposition).toBe('APPLIED');
    await backUp(live, join(folder, 'new.sqlite'));

    const { file } = await restore(old);
    const clock = { now: new Date() };
    const env = { DATABASE_URL: `sqlite:${file}` };
    const restored = await startGateway(disposal, { env, clock: () => clock.now });
    expect(await statusesIn(restored)).toEqual({ null: 'NOT_VERIFIED' });
    expect((await restored.post('sumsub', back)).kept?.disposition).toBe('APPLIED');
    const inTwoDays = new Date(Date.now() + 2 * 24 * 60 * 60_000);
    expect(await restored.store.erasures.runDueErasures(inTwoDays)).toBe(0);
    expect(await statusesIn(restored)).toEqual({ null: 'NOT_VERIFIED', vermilion: 'VERIFIED' });
  });

  // Regression: the erased user stayed if one of their identities had moved to another user before.
  it('erase a user again, and keep an identity that moved to another user', async () => {
    const live = await startGateway(disposal);
    const at = { auditActor: 'desk', now: new Date() };
    const x = await live.store.createUser({ externalUserId: 'vermilion', ...at });
    const v = await live.store.createUser({ externalUserId: 'viola', ...at });
    const link = ({ userId }: { userId: number }) =>
      live.store.linkIdentity({
        ...{ provider: 'sumsub', subjectRef: 's1', userId, changeActor: 'desk', ...at },
      });
    await live.post('sumsub', account('s1', undefined, 1));
    await link(x);
    const folder = await createTempDir(disposal);
    const old = join(folder, 'old.sqlite');
    await backUp(live, old);
    await link(v);
    await erase(live, 'vermilion');
    await backUp(live, join(folder, 'new.sqlite'));

    const { out, file } = await restore(old);
    expect(out).toContain('Erased 1 users and 0 identities');
    const restored = await startGateway(disposal, { env: { DATABASE_URL: `sqlite:${file}` } });
    expect(await restored.store.read.userByExternalId('vermilion')).toBeNull();
    const user = await restored.store.read.userByIdentity('sumsub', 's1');
    expect(user).toMatchObject({ externalUserId: null, verificationStatus: 'VERIFIED' });
    expect(readFileSync(file).includes('vermilion')).toBe(false);
    expect(await restored.store.audit.verify(null)).toMatchObject({ ok: true });
  });

  // Regression: a hold set after a merge did not apply to users who are separate in the copy.
  it('apply holds and requests to all users merged since the copy', async () => {
    const live = await startGateway(disposal);
    const { setHold, erase } = live.store.erasures;
    const command = { reason: null, changeActor: 'desk', auditActor: 'desk', now: new Date() };
    const later = new Date(command.now.getTime() + 60 * 60_000);
    await live.post('sumsub', account('s1', undefined, 1));
    await live.post('sumsub', account('s2', undefined, 2));
    const [a, c] = [1, 2];
    const open = (externalUserId: string) => live.store.createUser({ externalUserId, ...command });
    const b = await open('bo');
    const merge = (subjectRef: string, { userId }: { userId: number }) =>
      live.store.linkIdentity({ provider: 'sumsub', subjectRef, userId, ...command });
    await setHold({ ...command, userId: a, basis: 'case 4', until: later });
    const folder = await createTempDir(disposal);
    const old = join(folder, 'old.sqlite');
    await backUp(live, old);
    await merge('s1', b);
    await merge('s2', await open('cy')); // who is not in the copy
    await setHold({ ...command, userId: b.userId, basis: 'case 5', until: null });
    await setHold({ ...command, userId: c, basis: 'case 6', until: null });
    await erase({ ...command, userId: b.userId });
    await backUp(live, join(folder, 'new.sqlite'));

    const { file } = await restore(old);
    const restored = await startGateway(disposal, { env: { DATABASE_URL: `sqlite:${file}` } });
    const { database } = restored.config;
    const holds = 'SELECT user_id, basis FROM legal_holds ORDER BY user_id';
    expect(await query(database, holds)).toEqual([
      { user_id: a, basis: 'case 5' },
      { user_id: c, basis: 'case 6' },
      { user_id: b.userId, basis: 'case 5' },
    ]);
    expect(await query(database, 'SELECT user_id FROM erasure_requests ORDER BY 1')).toEqual([
      { user_id: a },
      { user_id: b.userId },
    ]);
    for (const userId of [a, b.userId, c]) {
      expect(await restored.store.erasures.erase({ ...command, userId })).toMatchObject({
        erased: false,
        heldUntil: null,
      });
    }
  });

  it('of an older version can be restored with its copy', async () => {
    const live = await startGateway(disposal);
    await live.post('sumsub', about('ann', 'applicantReviewed', 1, GREEN));
    const folder = await createTempDir(disposal);
    const old = join(folder, 'old.sqlite');
    await backUp(live, old);
    await change(join(folder, 'identity-keys.sqlite'), 'DROP TABLE merged_users');

    const restored = await goOnFrom(old);
    expect((await restored.ask(BODIES)).data.webhookDeliveries.nodes).toEqual([
      { rawBody: expect.stringContaining('ann') },
    ]);
  });

  it('are rejected if they or the copy are other files', async () => {
    const live = await startGateway(disposal);
    const folder = await createTempDir(disposal);
    const copy = join(folder, 'kyc.sqlite');
    await backUp(live, copy);
    const empty = join(folder, 'empty');
    writeFileSync(empty, '');
    for (const [file, keys, complaint] of [
      [copy, empty, 'not a file of keys'],
      [empty, join(folder, 'identity-keys.sqlite'), 'not a database of the gateway'],
    ] as const) {
      const { code, err, file: target } = await restore(file, keys);
      expect({ code, left: readdirSync(dirname(target)) }).toEqual({
        code: 1,
        left: ['secrets.env'],
      });
      expect(err).toContain(complaint);
    }
  });

  it('are rejected if they are older or belong to another database', async () => {
    const live = await startGateway(disposal);
    await live.post('sumsub', about('ann', 'applicantReviewed', 1, GREEN));
    const folder = await createTempDir(disposal);
    const older = join(folder, 'older-keys');
    await backUp(live, join(folder, 'a.sqlite'), {}, older);
    await live.post('sumsub', about('bo', 'applicantReviewed', 2, GREEN));
    await backUp(live, join(folder, 'b.sqlite'));
    const other = await startGateway(disposal);
    await other.post('sumsub', about('ann', 'applicantReviewed', 1, GREEN));
    await other.post('sumsub', about('bo', 'applicantReviewed', 1, GREEN));
    const strange = join(folder, 'strange-keys');
    await backUp(other, join(folder, 'c.sqlite'), {}, strange);

    for (const [keys, complaint] of [
      [older, 'older than the copy'],
      [strange, 'another database'],
      [join(folder, 'nowhere'), 'does not exist'],
    ] as const) {
      const { code, err, file } = await restore(join(folder, 'b.sqlite'), keys);
      expect({ code, there: existsSync(file) }).toEqual({ code: 1, there: false });
      expect(err).toContain(complaint);
    }
  });
});

describe('a backup', () => {
  it('replaces no file', async () => {
    const live = await startGateway(disposal);
    const folder = await createTempDir(disposal);
    const target = join(folder, 'kyc.sqlite');
    await backUp(live, target);
    const before = statSync(target);

    const again = await backUp(live, target);
    expect(again.code).toBe(1);
    expect(again.err).toContain('already exists');
    expect(statSync(target).mtimeMs).toBe(before.mtimeMs);
    expect(readdirSync(folder).sort()).toEqual(['identity-keys.sqlite', 'kyc.sqlite']);
    expect((await backUp(live, fileOf(live))).code).toBe(1);
  });

  it('is in the audit log when it is complete', async () => {
    const live = await startGateway(disposal);
    await live.post('sumsub', about('ann', 'applicantReviewed', 1, GREEN));
    const folder = await createTempDir(disposal);
    for (let round = 0; round < 2; round += 1) await backUp(live, join(folder, 'kyc.sqlite'));
    const { rows } = await live.store.read.auditEntries({}, { first: 10 });
    expect(rows.map(({ row }) => row)).toMatchObject([
      {
        action: 'BACKUP_TAKEN',
        actor: expect.stringMatching(/^cli:./),
        details: { users: 1, deliveries: 1, logHead: 1, bytes: expect.any(Number) },
      },
    ]);
    expect(await live.store.audit.verify(null)).toMatchObject({ ok: true, entries: 1 });
  });

  it.each([
    ['without the keys', { DATA_KEYS: undefined }, /DATA_KEYS: /],
    [
      'with keys of others',
      { DATA_KEYS: `k2:${'A'.repeat(43)}=` },
      /DATA_KEYS: key "\w+" is missing/,
    ],
  ])('%s is created, and reports that the audit entry is missing', async (_, env, why) => {
    const live = await startGateway(disposal);
    const folder = await createTempDir(disposal);
    const { code, err } = await backUp(live, join(folder, 'kyc.sqlite'), env);
    expect(code).toBe(0);
    expect(err).toMatch(/^The audit entry was not written, but the copy is valid: /);
    expect(err).toMatch(why);
    expect(readdirSync(folder)).toEqual(['identity-keys.sqlite', 'kyc.sqlite']);
    expect((await live.store.read.auditEntries({}, { first: 1 })).rows).toEqual([]);
  });

  it('fails for a corrupt database, and leaves no file', async () => {
    const live = await startGateway(disposal);
    await live.post('sumsub', about('ann', 'applicantReviewed', 1, GREEN));
    await live.stop();
    await change(fileOf(live), 'DELETE FROM users');
    const folder = await createTempDir(disposal);

    const { code, err } = await backUp(live, join(folder, 'kyc.sqlite'));
    expect(code).toBe(1);
    expect(err).toContain('corrupt');
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['of a missing database', { DATABASE_URL: 'sqlite:/nowhere/kyc.sqlite' }, /does not exist/],
    ['of a file that is not a database', { DATABASE_URL: `sqlite:${__filename}` }, /SQLITE_NOTADB/],
    ['of PostgreSQL', { DATABASE_URL: 'postgres://localhost/kyc' }, /pg_dump --format=custom/],
  ])('%s fails with one line', async (_, env, expected) => {
    const live = await startGateway(disposal);
    const folder = await createTempDir(disposal);
    const { code, err } = await backUp(live, join(folder, 'kyc.sqlite'), env);
    expect(code).toBe(1);
    expect(err).toMatch(expected);
    expect(err).not.toContain('\n');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('fails in a missing folder', async () => {
    const live = await startGateway(disposal);
    const { code, err } = await backUp(live, '/nowhere/at/all/kyc.sqlite');
    expect([code, err]).toEqual([
      1,
      'Cannot write to /nowhere/at/all. Check that the folder exists and is writable.',
    ]);
  });
});
