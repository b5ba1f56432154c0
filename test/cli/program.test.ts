/** Tests of the command line: help, errors, and the commands that need only the store. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { version } from '../../package.json';
import { hashApiKey, parseApiKey } from '../../src/access/api-key';
import { readEnvironment } from '../../src/cli/environment';
import { loadConfig } from '../../src/config/load-config';
import { PROVIDERS } from '../../src/providers/registry';
import { openStore } from '../../src/store/open-store';
import type { Store } from '../../src/store/store';
import { change } from '../support/databases';
import { silentLog } from '../support/logs';
import { type CommandLine, createCommandLine } from './command-line';
import { createReceiver } from './receiver';

let commandLine: CommandLine;

beforeEach(() => {
  commandLine = createCommandLine();
});
afterEach(() => commandLine.remove());

function configuration() {
  const ids = PROVIDERS.map(({ id }) => id);
  const env = { DATA_DIR: join(commandLine.folder, 'data') };
  return loadConfig(readEnvironment(env, '/nowhere', ids), ids);
}

async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(configuration(), silentLog);
  return work(store).finally(() => store.close());
}

describe('help', () => {
  const commands = [
    ['start'],
    ['simulate'],
    ['watch'],
    ['keys'],
    ['keys', 'create'],
    ['keys', 'list'],
    ['keys', 'revoke'],
    ['replay'],
    ['reconcile'],
    ['audit'],
    ['audit', 'verify'],
    ['backup'],
    ['restore'],
    ['migrate'],
    ['schema'],
  ];

  it('lists every command', async () => {
    const { code, out } = await commandLine.run('--help');
    expect(code).toBe(0);
    for (const [name] of commands) expect(out).toMatch(new RegExp(`^  ${name}\\b.* {2}\\S`, 'm'));
  });

  it.each(commands)('exists for %s %s', async (...command) => {
    const { code, out, err } = await commandLine.run(...command.filter(Boolean), '--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`Usage: kyc-gateway ${command.filter(Boolean).join(' ')}`);
  });

  it('is printed as an error if the command is missing', async () => {
    const { code, err } = await commandLine.run();
    expect(code).toBe(1);
    expect(err).toContain('Usage: kyc-gateway');
  });
});

it('prints its version', async () => {
  expect(await commandLine.run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

it.each([
  [['celebrate'], "unknown command 'celebrate'"],
  [['start', '--fast'], "unknown option '--fast'"],
  [['start', 'now'], 'too many arguments'],
  [['keys', 'forge'], "unknown command 'forge'"],
  [['migrate', '--up'], "unknown option '--up'"],
  [['schema', '--json'], "unknown option '--json'"],
])('rejects %j', async (args, message) => {
  const { code, out, err } = await commandLine.run(...args);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain(message);
});

describe('run by npm', () => {
  const npm = { npm_lifecycle_event: 'simulate' };

  it('explains the missing `--` if the value of an option is an extra argument', async () => {
    const args = ['simulate', 'sumsub', 'approve', 'x1'];
    const { code, err } = await commandLine.runWith(npm, ...args);
    expect(code).toBe(1);
    expect(err).toContain('npm run simulate -- ');
    expect((await commandLine.run(...args)).err).not.toContain('npm run');
  });

  it('explains the missing `--` if npm took a flag', async () => {
    const env = { ...npm, npm_config_shuffle: 'true' };
    const { code, out, err } = await commandLine.runWith(env, 'simulate', 'sumsub', 'approve');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('npm did not pass --shuffle to the command');
    expect(err).toContain('npm run simulate -- ');
  });

  it('names the build step if the gateway is not built', () => {
    const folder = join(commandLine.folder, 'src/cli');
    mkdirSync(folder, { recursive: true });
    const script = join(folder, 'launch.cjs');
    copyFileSync(join(__dirname, '../../src/cli/launch.cjs'), script);
    const { status, stderr } = spawnSync(process.execPath, [script, 'start'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'The gateway is not built yet. Run: npm run build\n',
    });
  });
});

describe('error', () => {
  it('of the configuration lists every fault and no value', async () => {
    const env = { NODE_ENV: 'production', PORT: 'S3CR3T', DATA_KEYS: 'S3CR3T' };
    expect(await commandLine.runWith(env, 'start')).toEqual({
      code: 1,
      out: '',
      err: [
        'The configuration has 3 faults:',
        '  DATA_KEYS: must be a comma-separated list of `id:base64`, where each key is 32 random bytes',
        '  PORT: must be a whole number from 0 to 65535',
        '  WEBHOOK_SECRETS_<PROVIDER>: must be set for at least one provider',
        '',
      ].join('\n'),
    });
  });

  it('names a file that is not a database', async () => {
    const data = join(commandLine.folder, 'data');
    mkdirSync(data);
    writeFileSync(
      join(data, 'kyc.sqlite'),
      'this is not a database, and it is long enough to be read',
    );
    const { code, err } = await commandLine.run('keys', 'list');
    expect(code).toBe(1);
    expect(err).toContain(`DATA_DIR: ${join(data, 'kyc.sqlite')} is not an SQLite database`);
  });

  it('has a stack only with LOG_LEVEL=debug', async () => {
    const invalid = { DATA_DIR: 'a\0b' }; // not a path on any system
    const plain = await commandLine.runWith(invalid, 'keys', 'list');
    expect(plain.code).toBe(1);
    expect(plain.err).not.toContain('    at ');
    const detailed = await commandLine.runWith({ ...invalid, LOG_LEVEL: 'debug' }, 'keys', 'list');
    expect(detailed.err).toContain('    at ');
  });
});

describe('keys', () => {
  it('are created, printed once, listed and revoked', async () => {
    const scopes = ['--scope', 'read', '--scope', 'pii:read'];
    const made = await commandLine.run('keys', 'create', '--name', 'back office', ...scopes);
    expect(made.code).toBe(0);
    const key = made.out.trim();
    const prefix = parseApiKey(key)?.prefix ?? '';
    expect(made.out).toBe(`${key}\n`);
    expect(prefix).toHaveLength(8);

    const row = await withStore((store) => store.apiKeys.findByHash(hashApiKey(key)));
    expect(row).toMatchObject({ name: 'back office', prefix, revokedAt: null });
    expect(row?.scopes).toEqual(['read', 'pii:read']);

    const listed = await commandLine.run('keys', 'list');
    expect(listed.out).toMatch(/^ID +PREFIX +NAME +SCOPES +CREATED +REVOKED\n/);
    expect(listed.out).toMatch(
      new RegExp(`^ApiKey:1 +${prefix} +back office +read,pii:read +\\d{4}-\\S+$`, 'm'),
    );
    expect(listed.out).not.toContain(key.slice(13));

    expect(await commandLine.run('keys', 'revoke', prefix)).toMatchObject({ code: 0 });
    const after = await commandLine.run('keys', 'list');
    expect(after.out).toMatch(new RegExp(`^ApiKey:1 +${prefix} .* \\d{4}-\\S+ +\\d{4}-\\S+$`, 'm'));
    const again = await commandLine.run('keys', 'revoke', prefix);
    expect(again).toMatchObject({
      code: 1,
      err: 'No active key has this prefix or ID. List the keys with `keys list`.\n',
    });
    await commandLine.run('keys', 'create', '--name', 'other', '--scope', 'read');
    expect(await commandLine.run('keys', 'revoke', 'ApiKey:2')).toMatchObject({ code: 0 });
    expect(await commandLine.run('keys', 'revoke', 'ApiKey:3')).toMatchObject({ code: 1 });
  });

  it('accept scopes as lists and as repeated options', async () => {
    for (const scopes of [['read,operate'], ['read', 'operate'], ['read', '--scope', 'operate']]) {
      const { out } = await commandLine.run('keys', 'create', '--name', 'x', '--scope', ...scopes);
      const row = await withStore((store) => store.apiKeys.findByHash(hashApiKey(out.trim())));
      expect(row?.scopes).toEqual(['read', 'operate']);
    }
  });

  it.each([
    [['--name', 'x', '--scope', 'everything'], 'read, operate, pii:read'],
    [['--name', 'x', '--scope', 'read,'], 'read, operate, pii:read'],
    [['--name', 'x'], "required option '--scope"],
    [['--scope', 'read'], "required option '--name"],
    [['--name', ' ', '--scope', 'read'], '1 to 100 characters'],
  ])('are not created with %j', async (args, message) => {
    const { code, err } = await commandLine.run('keys', 'create', ...args);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});

describe('audit verify', () => {
  const HEAD = /^The audit log is valid\. Entries: (\d+)\nHead: (\d+:[0-9a-f]{64})\n$/;

  async function writeEntries(): Promise<void> {
    for (const name of ['one', 'two', 'three']) {
      await commandLine.run('keys', 'create', '--name', name, '--scope', 'read');
    }
  }

  it('prints the count and the head, and accepts the head later', async () => {
    expect((await commandLine.run('audit', 'verify')).out).toMatch(
      /^The audit log is valid\. Entries: 0\nHead: 0:0+\n$/,
    );
    await writeEntries();
    const first = await commandLine.run('audit', 'verify');
    const [, count, head = ''] = HEAD.exec(first.out) ?? [];
    expect({ ...first, count }).toMatchObject({ code: 0, err: '', count: '3' });
    await writeEntries();
    const second = await commandLine.run('audit', 'verify', '--expect', head);
    expect({ code: second.code, count: HEAD.exec(second.out)?.[1] }).toEqual({
      code: 0,
      count: '6',
    });
  });

  it('names the first invalid entry and its fault, and fails', async () => {
    await writeEntries();
    const [, , head = ''] = HEAD.exec((await commandLine.run('audit', 'verify')).out) ?? [];
    const { database } = configuration();
    for (const trigger of ['in_order', 'no_update', 'no_delete']) {
      await change(database, `DROP TRIGGER audit_entries_${trigger}`);
    }
    await change(database, 'DELETE FROM audit_entries WHERE seq = 3');
    expect((await commandLine.run('audit', 'verify')).code).toBe(0);
    expect(await commandLine.run('audit', 'verify', '--expect', head)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(
        'Audit entry 3 is missing at the end of the log, which was truncated (CUT_OFF).',
      ),
    });
    await change(database, "UPDATE audit_entries SET actor = 'cli:other' WHERE seq = 2");
    expect(await commandLine.run('audit', 'verify')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('Audit entry 2 was modified after it was written (HASH).'),
    });
  });

  it.each(['', '3', `3:${'g'.repeat(64)}`, `x:${'0'.repeat(64)}`])(
    'rejects %j as a head',
    async (head) => {
      const { code, err } = await commandLine.run('audit', 'verify', '--expect', head);
      expect(code).toBe(1);
      expect(err).toContain('The head must have the format');
    },
  );
});

describe('migrate', () => {
  it('applies all migrations, and none the second time', async () => {
    const first = await commandLine.run('migrate');
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/^Applied \w+\.\n/);
    expect(await commandLine.run('migrate')).toEqual({
      code: 0,
      out: 'No migrations to apply.\n',
      err: '',
    });
  });

  it('reverts one migration at a time, down to the empty database', async () => {
    const { out } = await commandLine.run('migrate');
    const applied = out.trim().split('\n');
    for (const line of [...applied].reverse()) {
      const { out: reverted } = await commandLine.run('migrate', '--down');
      expect(reverted).toBe(`${line.replace('Applied', 'Reverted')}\n`);
    }
    const { out: none } = await commandLine.run('migrate', '--down');
    expect(none).toBe('No migrations to revert.\n');
  });

  it('reverts nothing in a new database', async () => {
    expect((await commandLine.run('migrate', '--down')).out).toBe('No migrations to revert.\n');
  });
});

describe('replay', () => {
  async function receiveWebhooks(): Promise<void> {
    const receiver = await createReceiver(configuration());
    const target = ['--url', receiver.url];
    await commandLine.run('simulate', 'sumsub', 'approve', '--user', 'ada', ...target);
    await commandLine.run('simulate', 'p100', 'reject', '--user', 'bob', ...target);
    await receiver.stop();
  }

  it('changes nothing if the adapters are unchanged', async () => {
    await receiveWebhooks();
    const head = await withStore((store) => store.read.head());
    expect(await commandLine.run('replay', '--all')).toEqual({
      code: 0,
      out: 'Deliveries read: 6. Dispositions changed: 0. Changes logged: 0.\n',
      err: '',
    });
    expect(await withStore((store) => store.read.head())).toBe(head);
  });

  it.each([
    [['--provider', 'sumsub'], 3],
    [['--id', '1', '2'], 2],
    [['--id', Buffer.from('WebhookDelivery:1').toString('base64url')], 1],
    [['--disposition', 'QUARANTINED'], 0],
    [['--before', '2020-01-01'], 0],
    [['--from', '2020-01-01T00:00:00Z', '--provider', 'p100'], 3],
  ])('with %j reads %i deliveries', async (args, count) => {
    await receiveWebhooks();
    const { code, out } = await commandLine.run('replay', '--dry-run', ...args);
    expect(code).toBe(0);
    expect(out).toBe(
      `Deliveries read: ${count}. Dispositions that would change: 0. Changes that would be logged: 0.\n`,
    );
  });

  // Regression: the command projected users by other rules than a running gateway.
  it.each([['--dry-run'], []])(
    'rejects other projection rules than those of the gateway: %s',
    async (...args) => {
      await receiveWebhooks();
      const env = { ACCEPT_SANDBOX: 'false' };
      const { code, out, err } = await commandLine.runWith(env, 'replay', '--all', ...args);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain('POLICY_FILE, ACCEPT_SANDBOX: must be equal to those of the gateway');
      expect(await commandLine.run('replay', '--all', ...args)).toMatchObject({ code: 0 });
    },
  );

  it('names deliveries that were not applied, and fails', async () => {
    const receiver = await createReceiver(configuration());
    await commandLine.run('simulate', 'fractal-id', 'reject', '--url', receiver.url);
    await receiver.stop();
    const env = { FRACTAL_ID_FORMAT: 'kraken' };
    const { code, out, err } = await commandLine.runWith(env, 'replay', '--all');
    expect({ code, err }).toEqual({ code: 1, err: 'Deliveries not applied: 1 of 1.\n' });
    expect(out).toMatch(
      /^WebhookDelivery:1: not applied \(PAYLOAD_INVALID: .+\)\nDeliveries read: 1\. Dispositions changed: 0/,
    );
    expect(await commandLine.run('replay', '--all')).toMatchObject({ code: 0 });
  });

  it('reads deliveries of a provider that is no longer configured', async () => {
    await receiveWebhooks();
    const dataKeys = configuration().dataKeys.map(
      ({ id, key }) => `${id}:${key.toString('base64')}`,
    );
    const env = {
      NODE_ENV: 'production',
      DATA_KEYS: dataKeys.join(','),
      WEBHOOK_SECRETS_PAYCADDY: 'x'.repeat(32),
      ACCEPT_SANDBOX: 'true',
    };
    const { code, out } = await commandLine.runWith(env, 'replay', '--all', '--dry-run');
    expect({ code, out: out.slice(0, 19) }).toEqual({ code: 0, out: 'Deliveries read: 6.' });
  });

  it.each([
    [[], 'Specify a filter or pass --all'],
    [['--dry-run'], 'Specify a filter or pass --all'],
    [['--id', 'x'], 'The ID must be'],
    [['--id', Buffer.from('User:1').toString('base64url')], 'The ID must be'],
    [['--provider', 'veriff'], 'Allowed choices'],
    [['--disposition', 'applied'], 'Allowed choices'],
    [['--from', 'yesterday'], 'The time must be ISO 8601'],
    [['--from', '2025-01-31T12:00:00'], 'The time must be ISO 8601'],
    [['--before', '2025-13-31'], 'The time must be ISO 8601'],
  ])('rejects %j', async (args, message) => {
    const { code, err } = await commandLine.run('replay', ...args);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});

it('prints the schema without a configuration', async () => {
  const env = { NODE_ENV: 'production' };
  const { code, out } = await commandLine.runWith(env, 'schema');
  expect(code).toBe(0);
  expect(buildSchema(out).getSubscriptionType()?.getFields()).toHaveProperty('statusChanged');
});
