/** `kyc-gateway keys rotate-data` while a gateway is running. */

import { join } from 'node:path';
import { createCommandLine } from '../cli/command-line';
import { spawnScript } from '../cli/spawn';
import { paycaddy } from '../store/provider-deliveries';
import { createTestDatabase } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { createTempDir } from '../support/temp-dir';
import { codesOf, startGateway, type TestGateway } from './support/gateway';

const disposal = createDisposal();
const MAIN = join(__dirname, '../../src/cli/main.ts');
const OLD = `old:${Buffer.alloc(32, 1).toString('base64')}`;
const NEW = `new:${Buffer.alloc(32, 2).toString('base64')}`;
const KNOWN_BEFORE = 800;

const PERSONAL = `query ($after: String) { webhookDeliveries(first: 50, after: $after) {
  pageInfo { hasNextPage endCursor } nodes {
    rawBody(reason: "a test") user { profile(reason: "a test") { fullName } } } } }`;

interface Told {
  readonly rawBody: string | null;
  readonly user: { readonly profile: { readonly fullName: string | null } | null } | null;
}

async function everything(gateway: TestGateway): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (let after: string | null = null; ; ) {
    const answer = await gateway.ask(PERSONAL, { after });
    expect(codesOf(answer)).toEqual([]);
    const { nodes, pageInfo } = answer.data.webhookDeliveries;
    told.push(...nodes);
    if (!pageInfo.hasNextPage) return told;
    after = pageInfo.endCursor;
  }
}

const said = (user: number) => ({
  ...paycaddy('verified', `user-${user}`, 1),
  fullName: `Invented Person ${user}`,
});

it('brings all data under the new key while webhooks come and queries are answered', async () => {
  const database = await createTestDatabase();
  disposal.defer(database.drop);
  const DATABASE_URL = database.url;
  const before = await startGateway(disposal, { env: { DATABASE_URL, DATA_KEYS: OLD } });
  const numbers = Array.from({ length: KNOWN_BEFORE }, (_, index) => index);
  await Promise.all(numbers.map((user) => before.post('paycaddy', said(user))));
  await before.post('fractal-id', 'unreadable');
  await before.stop();

  const both = { DATABASE_URL, DATA_KEYS: `${NEW},${OLD}` };
  const gateway = await startGateway(disposal, { env: both });
  const env = { ...both, DATA_DIR: await createTempDir(disposal), DATABASE_CONNECTIONS: '6' };
  const rotating = spawnScript(MAIN, env, ['keys', 'rotate-data']);
  let over = false;
  void rotating.finished.then(() => {
    over = true;
  });
  let last = KNOWN_BEFORE;
  const post = async () => {
    while (!over) {
      last += 1;
      const { status, kept } = await gateway.post('paycaddy', said(last));
      expect([status, kept?.disposition]).toEqual([200, 'APPLIED']);
    }
  };
  const look = async () => {
    while (!over) expect((await everything(gateway)).every(isReadable)).toBe(true);
  };
  await Promise.all([post(), post(), look()]);

  const { code, out } = await rotating.finished;
  expect([code, out]).toEqual([
    0,
    expect.stringContaining('old encrypts nothing. You can remove it from DATA_KEYS.'),
  ]);
  expect(last).toBeGreaterThan(KNOWN_BEFORE);
  expect((await everything(gateway)).filter(isReadable)).toHaveLength(last + 1);
  await gateway.stop();

  const after = await startGateway(disposal, { env: { DATABASE_URL, DATA_KEYS: NEW } });
  const told = await everything(after);
  expect(told.filter(isReadable)).toHaveLength(last + 1);
  expect(new Set(told.map(({ user }) => user?.profile?.fullName)).size).toBe(last + 1);
  const repeats = await Promise.all([0, 7, last].map((user) => after.post('paycaddy', said(user))));
  expect(repeats.map(({ kept }) => kept?.duplicate)).toEqual([true, true, true]);
});

it('reports missing keys, and items that a running gateway still encrypts with the old key', async () => {
  const database = await createTestDatabase();
  disposal.defer(database.drop);
  const env = { DATABASE_URL: database.url, DATA_KEYS: OLD };
  const gateway = await startGateway(disposal, { env });
  await gateway.post('paycaddy', said(1));
  const commandLine = createCommandLine();
  disposal.defer(async () => commandLine.remove());
  const rotate = (DATA_KEYS: string) =>
    commandLine.runWith({ ...env, DATA_KEYS }, 'keys', 'rotate-data');

  expect(await rotate(NEW)).toMatchObject({
    code: 1,
    err: expect.stringContaining('DATA_KEYS: key "old" is missing'),
  });
  expect(await rotate(`${OLD},${NEW}`)).toMatchObject({
    code: 0,
    out: expect.stringContaining('Re-encrypted 0 items with old.'),
  });
  expect(await rotate(`${NEW},${OLD}`)).toMatchObject({ code: 0 });
  await gateway.post('paycaddy', said(2));
  expect(await rotate(NEW)).toMatchObject({ code: 1, err: expect.stringContaining('key "old"') });
});

function isReadable({ rawBody, user }: Told): boolean {
  if (rawBody === 'unreadable') return user === null;
  return rawBody !== null && user?.profile?.fullName != null;
}
