/** The simulation, against real adapters and a real store: what it sends has to be what the vendors send. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readEnvironment } from '../../../src/cli/environment';
import { STORY_NAMES, type StoryName } from '../../../src/cli/simulation/story';
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

const EVERY = PROVIDERS.flatMap(({ id }) => STORY_NAMES.map((story) => [id, story] as const));

const STATUS: Record<StoryName, VerificationStatus> = {
  approve: 'VERIFIED',
  reject: 'NOT_VERIFIED',
  'retry-then-approve': 'VERIFIED',
  review: 'NOT_VERIFIED',
};

describe.each(EVERY)('%s %s', (provider, story: StoryName) => {
  it('ends as it says', async () => {
    const target = await receive();
    const { code, out } = await commandLine.run('simulate', provider, story, '--url', target.url);
    expect(code).toBe(0);
    expect(out).toMatch(/(\d+) of \1 answers as expected/);

    const [user, ...others] = await users(target);
    const attempt = await latestAttempt(target, user?.id ?? 0);
    expect(others).toEqual([]);
    expect(user?.verificationStatus).toBe(STATUS[story]);
    expect(out).toContain(`should now be ${STATUS[story]}, the latest attempt ${attempt?.status}.`);
  });

  it('brings nothing that has to be quarantined or ignored', async () => {
    const target = await receive();
    await commandLine.run('simulate', provider, story, '--url', target.url);
    const useless = ['QUARANTINED', 'IGNORED'] as const;
    expect(await target.store.read.countDeliveries({ disposition: useless })).toBe(0);
    expect(await target.store.read.countDeliveries({})).toBeGreaterThan(0);
  });
});

describe.each(PROVIDERS.map(({ id }) => id))('chaos with %s', (provider) => {
  it('refuses every tampered copy, and nothing else', async () => {
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
  'a shuffled story of %s ends as the one in order, because the vendor dates its words',
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

it('does not say how a shuffled story of a vendor without a clock ends', async () => {
  const target = await receive();
  const { out } = await commandLine.run(
    'simulate',
    'p100',
    'approve',
    '--shuffle',
    '--url',
    target.url,
  );
  expect(out).toContain('this vendor sends no clock');
  expect(out).not.toContain('should now be');
});

it('repeats the chance of a run with the same seed', async () => {
  const target = await receive();
  const args = ['simulate', 'sumsub', 'approve', '--url', target.url, '--count', '5'];
  const chaos = ['--shuffle', '--duplicate', '--corrupt'];
  const sent = async (seed: string) => {
    const { out } = await commandLine.run(...args, ...chaos, '--seed', seed);
    const lines = out.split('\n').filter((line) => line.includes('user-'));
    return lines.map((line) => line.replace(/^.{25}/, '')).sort(); // without the answer
  };
  const first = await sent('11');
  expect(await sent('11')).toEqual(first);
  expect(await sent('12')).not.toEqual(first);
});

it('sends about the user that it is told', async () => {
  const target = await receive();
  await commandLine.run('simulate', 'sumsub', 'approve', '--user', 'ada', '--url', target.url);
  await commandLine.run('simulate', 'sumsub', 'reject', '--user', 'ada', '--url', target.url);
  const all = await users(target);
  expect(all).toMatchObject([{ externalUserId: 'ada', verificationStatus: 'NOT_VERIFIED' }]);
});

it('numbers the users where there are several', async () => {
  const target = await receive();
  const args = ['--user', 'ada', '--count', '2', '--url', target.url];
  await commandLine.run('simulate', 'p100', 'approve', ...args);
  const ids = (await users(target)).map(({ externalUserId }) => externalUserId);
  expect(ids.sort()).toEqual(['ada-1', 'ada-2']);
});

it('shows a request that a shell takes as it is', async () => {
  const target = await receive();
  const args = ['--user', "o'neill", '--url', target.url];
  const { out } = await commandLine.run('simulate', 'sumsub', 'approve', ...args);
  expect(out).toContain(`curl -s '${target.url}/graphql'`);
  expect(out).toContain(`externalUserId: \\"o'\\''neill\\"`);
});

describe('in Kraken’s format', () => {
  const env = { FRACTAL_ID_FORMAT: 'kraken' };

  it.each(['approve', 'reject', 'retry-then-approve'] as const)(
    '%s ends as it says',
    async (story) => {
      const target = await receive(env);
      const args = ['simulate', 'fractal-id', story, '--url', target.url];
      expect(await commandLine.runWith(env, ...args)).toMatchObject({ code: 0 });
      const [user] = await users(target);
      expect(user?.verificationStatus).toBe(STATUS[story]);
    },
  );

  it('there is no review', async () => {
    const { code, err } = await commandLine.runWith(env, 'simulate', 'fractal-id', 'review');
    expect(code).toBe(1);
    expect(err).toContain('no words for this story');
  });
});

it('marks what it sends in Sumsub’s name as sandbox, and says where that does not count', async () => {
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

  it('sends nothing unless that is allowed', async () => {
    const target = await receive(env);
    const args = ['simulate', 'p100', 'approve', '--url', target.url];
    const refused = await commandLine.runWith(env, ...args);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('--allow-production');
    expect(target.answers).toEqual([]);
    expect(await commandLine.runWith(env, ...args, '--allow-production')).toMatchObject({
      code: 0,
    });
    expect(target.answers).toEqual([200, 200, 200]);
  });
});

it('signs with the secret of the type', async () => {
  const env = {
    WEBHOOK_SECRETS_FRACTAL_ID:
      'verification_contacted=aaa,verification_rejected=bbb,verification_approved=ccc',
  };
  const target = await receive(env);
  const args = ['simulate', 'fractal-id', 'retry-then-approve', '--url', target.url];
  expect(await commandLine.runWith(env, ...args)).toMatchObject({ code: 0 });
});

it('fails when the gateway answers otherwise than it should', async () => {
  const target = await receive();
  const env = { WEBHOOK_SECRETS_SUMSUB: 'not the secret of the gateway' };
  const args = ['simulate', 'sumsub', 'approve', '--url', target.url];
  const { code, out, err } = await commandLine.runWith(env, ...args);
  expect(code).toBe(1);
  expect(out).toContain('! 401 SIGNATURE_INVALID');
  expect(err).toContain('3 answers were not as expected');
  expect(out).not.toContain('should now be');
});

// After a hundred wrong proofs from one address a gateway turns away the rest unread.
it.each([
  ['fails when a tampered copy is let in', [200], 1],
  ['takes it for a refusal when a tampered copy is turned away', [429, 200], 0],
])('%s', async (_, statuses, expected) => {
  let answered = 0;
  const other = createServer((request, response) => {
    response.statusCode = statuses[answered++ % statuses.length] ?? 200;
    request.resume().on('end', () => response.end('{"disposition":"APPLIED"}'));
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo; // listens on TCP
  const args = ['--corrupt', '--url', `http://127.0.0.1:${port}/`];
  const { code, err } = await commandLine.run('simulate', 'p100', 'approve', ...args);
  other.closeAllConnections();
  other.close();
  expect(code).toBe(expected);
  expect(err).toContain(expected === 0 ? '' : '3 answers were not as expected');
});

it('says so when nobody answers', async () => {
  const target = await receive();
  await target.stop();
  receiver = undefined;
  const args = ['simulate', 'paycaddy', 'approve', '--url', target.url];
  const { code, err } = await commandLine.run(...args);
  expect(code).toBe(1);
  expect(err).toBe(`No gateway answers at ${target.url}. Is it started?\n`);
});

it('asks for the URL where the port is not fixed', async () => {
  const { code, err } = await commandLine.runWith({ PORT: '0' }, 'simulate', 'p100', 'approve');
  expect(code).toBe(1);
  expect(err).toContain('--url');
});

it.each([
  [['simulate', 'veriff', 'approve'], 'Allowed choices are fractal-id, sumsub, paycaddy, p100'],
  [['simulate', 'sumsub', 'celebrate'], 'Allowed choices are approve, reject'],
  [['simulate', 'sumsub'], "missing required argument 'story'"],
  [['simulate', 'sumsub', 'approve', '--count', '0'], 'whole number'],
  [['simulate', 'sumsub', 'approve', '--seed', 'x'], 'whole number'],
  [['simulate', 'sumsub', 'approve', '--url', 'localhost'], 'http: or https: URL'],
  [['simulate', 'sumsub', 'approve', '--twice'], "unknown option '--twice'"],
])('refuses %j', async (args, why) => {
  const { code, err } = await commandLine.run(...args);
  expect(code).toBe(1);
  expect(err).toContain(why);
});
