/** Tests of `kyc-gateway reconcile` against provider APIs on real servers. */

import { startGateway, type TestGateway } from '../../e2e/support/gateway';
import { createTestDatabase, type TestDatabase } from '../../support/databases';
import { createDisposal } from '../../support/disposal';
import { type ProviderApiServer, respond, startProviderApis } from '../../support/provider-apis';
import { type CommandLine, createCommandLine } from '../command-line';

const disposal = createDisposal();
let commandLine: CommandLine;
let apis: ProviderApiServer;
let database: TestDatabase;
let gateway: TestGateway;

beforeEach(async () => {
  commandLine = createCommandLine();
  apis = await startProviderApis(disposal);
  database = await createTestDatabase();
  disposal.defer(database.drop);
  gateway = await startGateway(disposal, { env: { DATABASE_URL: database.url } });
  await gateway.post('sumsub', {
    type: 'applicantPending',
    applicantId: 'applicant-1',
    externalUserId: 'alice',
    levelName: 'basic',
    reviewStatus: 'pending',
    createdAtMs: '2024-01-01 00:00:00.000',
  });
  apis.sumsub.set('applicant-1', {
    levelName: 'basic',
    reviewStatus: 'completed',
    reviewDate: '2024-01-02 00:00:00+0000',
    reviewResult: { reviewAnswer: 'GREEN' },
  });
});
afterEach(() => commandLine.remove());

/** Runs the command on the data of the running gateway. */
function reconcile(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const { dataDir, dataKeys } = gateway.config;
  const common = {
    DATA_DIR: dataDir,
    DATABASE_URL: database.url,
    DATA_KEYS: `${dataKeys[0].id}:${dataKeys[0].key.toString('base64')}`,
    ...env,
  };
  return commandLine.runWith(common, 'reconcile', ...args);
}

it('checks due identities and prints the result', async () => {
  const first = await reconcile(apis.env);
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(first.out).toMatch(
    /^User:1 at Sumsub \(Identity:1\): changed \(WebhookDelivery:2\)\nStatus checks: 1 \(1 changed\)\.\n$/,
  );
  const { data } = await gateway.ask('{ user(externalUserId: "alice") { verificationStatus } }');
  expect(data.user.verificationStatus).toBe('VERIFIED');
  expect(await reconcile(apis.env)).toMatchObject({
    code: 0,
    out: 'No identities are due for a status check.\n',
  });
});

it('sends no requests in a dry run', async () => {
  const { code, out } = await reconcile(apis.env, '--dry-run');
  expect({ code, out }).toEqual({
    code: 0,
    out: 'User:1 at Sumsub (Identity:1): open since 2024-01-01 00:00:00\nIdentities due: 1. No requests were sent.\n',
  });
  expect(apis.requestedPaths).toEqual([]);
});

it('checks one user, due or not', async () => {
  const env = { ...apis.env, RECONCILE_OPEN_AFTER: 'P100Y', RECONCILE_QUIET_AFTER: 'P100Y' };
  expect((await reconcile(env)).out).toBe('No identities are due for a status check.\n');
  expect(await reconcile(env, '--user', 'alice', '--provider', 'p100')).toMatchObject({
    out: 'No identities are due for a status check.\n',
  });
  expect((await reconcile(env, '--user', 'alice')).out).toContain('1 changed');
  expect((await reconcile(env, '--user', 'alice')).out).toContain('1 checked by another process');
  expect(await reconcile(env, '--user', 'unknown')).toMatchObject({ code: 1 });
});

it('records an audit entry before the first request, except in a dry run', async () => {
  await reconcile(apis.env, '--dry-run');
  await reconcile(apis.env, '--user', 'alice');
  await reconcile(apis.env, '--user', 'alice', '--provider', 'p100');
  apis.setFault(respond(403, {}, ''));
  await reconcile({ ...apis.env, RECONCILE_QUIET_AFTER: 'PT1S' });
  const { rows } = await gateway.store.read.auditEntries({}, { first: 10 });
  expect(rows.map(({ row }) => row).at(-1)).toMatchObject({
    action: 'RECONCILED',
    actor: expect.stringMatching(/^cli:./),
    subject: 'User:1',
    details: { accounts: 1, provider: null },
  });
  for (const { row } of rows) expect(row).toMatchObject({ action: 'RECONCILED' });
});

it('fails without a response, and prints nothing of the response body', async () => {
  apis.setFault(respond(403, {}, 'the passport number is 123'));
  const { code, out, err } = await reconcile(apis.env);
  expect(code).toBe(1);
  expect(out).toContain('no response (REFUSED)');
  expect(err).toContain('Status checks without a response: 1 of 1.');
  expect(out + err).not.toMatch(/passport|applicant-1|alice/);
});

it('reports an unknown identity', async () => {
  apis.sumsub.clear();
  const { code, out } = await reconcile(apis.env);
  expect({ code, last: out.trim().split('\n').at(-1) }).toEqual({
    code: 0,
    last: 'Status checks: 1 (1 unknown to the provider).',
  });
});

it('names missing credentials', async () => {
  expect(await reconcile({})).toMatchObject({
    code: 1,
    err: expect.stringContaining(
      'FRACTAL_ID_PRIVATE_KEY or SUMSUB_APP_TOKEN or PAYCADDY_API_KEY or P100_API_KEY',
    ),
  });
  expect(await reconcile({}, '--provider', 'p100')).toMatchObject({
    code: 1,
    err: expect.stringContaining('P100_API_KEY'),
  });
  expect((await reconcile(apis.env, '--provider', 'fractal-id')).code).toBe(1);
});
