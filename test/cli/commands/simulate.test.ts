/** Tests of `kyc-gateway simulate` against real adapters and a real store. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readEnvironment } from '../../../src/cli/environment';
import { SCENARIO_NAMES, type ScenarioName } from '../../../src/cli/simulation/scenario';
import { loadConfig } from '../../../src/config/load-config';
import type { VerificationStatus } from '../../../src/domain/status';
import { PROVIDERS } from '../../../src/providers/registry';
import type { UserRow } from '../../../src/store/read/reader';
import { type CommandLine, createCommandLine } from '../command-line';
import { createReceiver, type Receiver } from '../receiver';

let commandLine: CommandLine;
let receiver: Receiver | undefined;

beforeEach(() => {
  commandLine = createCommandLine();
});
afterEach(async () => {
  await receiver?.stop();
  receiver = undefined;
  commandLine.remove();
});

async function receive(env: Readonly<Record<string, string>> = {}): Promise<Receiver> {
  const ids = PROVIDERS.map(({ id }) => id);
  const variables = { DATA_DIR: join(commandLine.folder, 'data'), ...env };
  receiver = await createReceiver(loadConfig(readEnvironment(variables, '/nowhere', ids), ids));
  return receiver;
}

async function users({ store }: Receiver): Promise<readonly UserRow[]> {
  const order = { field: 'CREATED_AT', direction: 'ASC' } as const;
  const { rows } = await store.read.users({}, order, { first: 100 });
  return rows.map(({ row }) => row);
}

async function latestAttempt({ store }: Receiver, userId: number) {
  const order = { field: 'UPDATED_AT', direction: 'ASC' } as const;
  const [page] = await store.read.attemptsOf([userId], {}, order, { last: 1 });
  return page?.rows[0]?.row;
}

const ALL_SCENARIOS = PROVIDERS.flatMap(({ id }) =>
  SCENARIO_NAMES.map((scenario) => [id, scenario] as const),
);

const STATUS: Record<ScenarioName, VerificationStatus> = {
  approve: 'VERIFIED',
  reject: 'NOT_VERIFIED',
  'retry-then-approve': 'VERIFIED',
  review: 'NOT_VERIFIED',
};

describe.each(ALL_SCENARIOS)('%s %s', (provider, scenario: ScenarioName) => {
  it('has the printed result', async () => {
    const target = await receive();
    const { code, out } = await commandLine.run(
      'simulate',
      provider,
      scenario,
      '--url',
      target.url,
    );
    expect(code).toBe(0);
    expect(out).toMatch(/Expected responses: (\d+) of \1 /);

    const [user, ...others] = await users(target);
    const attempt = await latestAttempt(target, user?.id ?? 0);
    expect(others).toEqual([]);
    expect(user?.verificationStatus).toBe(STATUS[scenario]);
    expect(out).toContain(
      `should now be ${STATUS[scenario]}, the latest attempt ${attempt?.status}.`,
    );
  });

  it('causes no quarantined or ignored deliveries', async () => {
    const target = await receive();
    await commandLine.run('simulate', provider, scenario, '--url', target.url);
    const unexpected = ['QUARANTINED', 'IGNORED'] as const;
    expect(await target.store.read.countDeliveries({ disposition: unexpected })).toBe(0);
    expect(await target.store.read.countDeliveries({})).toBeGreaterThan(0);
  });
});

describe.each(PROVIDERS.map(({ id }) => id))('delivery faults with %s', (provider) => {
  it('sends tampered copies that the gateway rejects, and genuine ones that it accepts', async () => {
    const target = await receive();
    const { code, out } = await commandLine.run(
      ...['simulate', provider, 'retry-then-approve', '--url', target.url],
      ...['--corrupt', '--duplicate', '--count', '10', '--seed', '7'],
    );
    expect(code).toBe(0);
    const tampered = out.split('\n').filter((line) => line.includes('tampered'));
    expect(tampered.length).toBeGreaterThanOrEqual(10);
    expect(target.answers.filter((status) => status === 401)).toHaveLength(tampered.length);
    expect(target.answers.filter((status) => status === 200).length).toBeGreaterThan(
      tampered.length,
    );
    const statuses = (await users(target)).map(({ verificationStatus }) => verificationStatus);
    expect(statuses).toEqual(Array(10).fill('VERIFIED'));
  });
});

it.each(['fractal-id', 'sumsub', 'paycaddy'])(
  'has the same result for a shuffled scenario of %s, which sends timestamps',
  async (provider) => {
    const target = await receive();
    const { code } = await commandLine.run(
      ...['simulate', provider, 'retry-then-approve', '--url', target.url],
      ...['--shuffle', '--duplicate', '--corrupt', '--count', '12', '--seed', '3'],
    );
    expect(code).toBe(0);
    const statuses = (await users(target)).map(({ verificationStatus }) => verificationStatus);
    expect(statuses).toEqual(Array(12).fill('VERIFIED'));
  },
);

it('prints no result for a shuffled scenario of a provider without timestamps', async () => {
  const target = await receive();
  const { out } = await commandLine.run(
    'simulate',
    'p100',
    'approve',
    '--shuffle',
    '--url',
    target.url,
  );
  expect(out).toContain('this provider sends no timestamps');
  expect(out).not.toContain('should now be');
});

it('repeats a run with the same seed', async () => {
  const target = await receive();
  const args = ['simulate', 'sumsub', 'approve', '--url', target.url, '--count', '5'];
  const faults = ['--shuffle', '--duplicate', '--corrupt'];
  const sent = async (seed: string) => {
    const { out } = await commandLine.run(...args, ...faults, '--seed', seed);
    const lines = out.split('\n').filter((line) => line.includes('user-'));
    return lines.map((line) => line.replace(/^.{25}/, '')).sort(); // without the response
  };
  const first = await sent('11');
  expect(await sent('11')).toEqual(first);
  expect(await sent('12')).not.toEqual(first);
});

it('sends webhooks about the specified user', async () => {
  const target = await receive();
  await commandLine.run('simulate', 'sumsub', 'approve', '--user', 'ada', '--url', target.url);
  await commandLine.run('simulate', 'sumsub', 'reject', '--user', 'ada', '--url', target.url);
  const all = await users(target);
  expect(all).toMatchObject([{ externalUserId: 'ada', verificationStatus: 'NOT_VERIFIED' }]);
});

it('numbers several users', async () => {
  const target = await receive();
  const args = ['--user', 'ada', '--count', '2', '--url', target.url];
  await commandLine.run('simulate', 'p100', 'approve', ...args);
  const ids = (await users(target)).map(({ externalUserId }) => externalUserId);
  expect(ids.sort()).toEqual(['ada-1', 'ada-2']);
});

it('prints a command that a shell accepts', async () => {
  const target = await receive();
  const args = ['--user', "o'neill", '--url', target.url];
  const { out } = await commandLine.run('simulate', 'sumsub', 'approve', ...args);
  expect(out).toContain(`curl -s '${target.url}/graphql'`);
  expect(out).toContain(`externalUserId: \\"o'\\''neill\\"`);
});

describe('in the Kraken format', () => {
  const env = { FRACTAL_ID_FORMAT: 'kraken' };

  it.each(['approve', 'reject', 'retry-then-approve'] as const)(
    '%s has the expected result',
    async (scenario) => {
      const target = await receive(env);
      const args = ['simulate', 'fractal-id', scenario, '--url', target.url];
      expect(await commandLine.runWith(env, ...args)).toMatchObject({ code: 0 });
      const [user] = await users(target);
      expect(user?.verificationStatus).toBe(STATUS[scenario]);
    },
  );

  it('review is not supported', async () => {
    const { code, err } = await commandLine.runWith(env, 'simulate', 'fractal-id', 'review');
    expect(code).toBe(1);
    expect(err).toContain('does not support this scenario');
  });
});

it('marks Sumsub events as sandbox, and prints if they do not count', async () => {
  const env = { ACCEPT_SANDBOX: 'false' };
  const target = await receive(env);
  const args = ['simulate', 'sumsub', 'approve', '--url', target.url];
  const { code, out } = await commandLine.runWith(env, ...args);
  expect(code).toBe(0);
  expect(out).toContain('ACCEPT_SANDBOX is false');
  const [user] = await users(target);
  expect(user?.verificationStatus).toBe('NOT_VERIFIED');
  expect(await latestAttempt(target, user?.id ?? 0)).toMatchObject({ sandbox: true });
});

describe('in production', () => {
  const env = {
    NODE_ENV: 'production',
    DATA_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    WEBHOOK_SECRETS_P100: 'a secret of p100',
  };

  it('sends nothing without --allow-production', async () => {
    const target = await receive(env);
    const args = ['simulate', 'p100', 'approve', '--url', target.url];
    const rejected = await commandLine.runWith(env, ...args);
    expect(rejected).toMatchObject({ code: 1, out: '' });
    expect(rejected.err).toContain('--allow-production');
    expect(target.answers).toEqual([]);
    expect(await commandLine.runWith(env, ...args, '--allow-production')).toMatchObject({
      code: 0,
    });
    expect(target.answers).toEqual([200, 200, 200]);
  });
});

it('signs with the secret of the notification type', async () => {
  const env = {
    WEBHOOK_SECRETS_FRACTAL_ID:
      'verification_contacted=aaa,verification_rejected=bbb,verification_approved=ccc',
  };
  const target = await receive(env);
  const args = ['simulate', 'fractal-id', 'retry-then-approve', '--url', target.url];
  expect(await commandLine.runWith(env, ...args)).toMatchObject({ code: 0 });
});

it('fails if responses are not as expected', async () => {
  const target = await receive();
  const env = { WEBHOOK_SECRETS_SUMSUB: 'not the secret of the gateway' };
  const args = ['simulate', 'sumsub', 'approve', '--url', target.url];
  const { code, out, err } = await commandLine.runWith(env, ...args);
  expect(code).toBe(1);
  expect(out).toContain('! 401 SIGNATURE_INVALID');
  expect(err).toContain('Unexpected responses: 3.');
  expect(out).not.toContain('should now be');
});

// After a hundred invalid signatures from one address, a gateway rejects further requests with 429.
it.each([
  ['fails if a tampered copy is accepted', [200], 1],
  ['accepts 429 for a tampered copy', [429, 200], 0],
])('%s', async (_, statuses, expected) => {
  let responseCount = 0;
  const other = createServer((request, response) => {
    response.statusCode = statuses[responseCount++ % statuses.length] ?? 200;
    request.resume().on('end', () => response.end('{"disposition":"APPLIED"}'));
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo; // listens on TCP
  const args = ['--corrupt', '--url', `http://127.0.0.1:${port}/`];
  const { code, err } = await commandLine.run('simulate', 'p100', 'approve', ...args);
  other.closeAllConnections();
  other.close();
  expect(code).toBe(expected);
  expect(err).toContain(expected === 0 ? '' : 'Unexpected responses: 3.');
});

it('reports that no gateway responds', async () => {
  const target = await receive();
  await target.stop();
  receiver = undefined;
  const args = ['simulate', 'paycaddy', 'approve', '--url', target.url];
  const { code, err } = await commandLine.run(...args);
  expect(code).toBe(1);
  expect(err).toBe(
    `No gateway responds at ${target.url}. Start it, or pass another URL with --url.\n`,
  );
});

it('requires the URL if the port is not fixed', async () => {
  const { code, err } = await commandLine.runWith({ PORT: '0' }, 'simulate', 'p100', 'approve');
  expect(code).toBe(1);
  expect(err).toContain('--url');
});

it.each([
  [['simulate', 'veriff', 'approve'], 'Allowed choices are fractal-id, sumsub, paycaddy, p100'],
  [['simulate', 'sumsub', 'celebrate'], 'Allowed choices are approve, reject'],
  [['simulate', 'sumsub'], "missing required argument 'scenario'"],
  [['simulate', 'sumsub', 'approve', '--count', '0'], 'whole number'],
  [['simulate', 'sumsub', 'approve', '--seed', 'x'], 'whole number'],
  [['simulate', 'sumsub', 'approve', '--url', 'localhost'], 'http: or https:'],
  [['simulate', 'sumsub', 'approve', '--twice'], "unknown option '--twice'"],
])('rejects %j', async (args, message) => {
  const { code, err } = await commandLine.run(...args);
  expect(code).toBe(1);
  expect(err).toContain(message);
});
