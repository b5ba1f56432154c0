/** The command line as such: help, faults, and the commands that need only the store. */

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

  it('names every command', async () => {
    const { code, out } = await commandLine.run('--help');
    expect(code).toBe(0);
    for (const [name] of commands) expect(out).toMatch(new RegExp(`^  ${name}\\b.* {2}\\S`, 'm'));
  });

  it.each(commands)('is there for %s %s', async (...command) => {
    const { code, out, err } = await commandLine.run(...command.filter(Boolean), '--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`Usage: kyc-gateway ${command.filter(Boolean).join(' ')}`);
  });

  it('is shown where no command is given, as a failure', async () => {
    const { code, err } = await commandLine.run();
    expect(code).toBe(1);
    expect(err).toContain('Usage: kyc-gateway');
  });
});

it('tells its version', async () => {
  expect(await commandLine.run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

it.each([
  [['celebrate'], "unknown command 'celebrate'"],
  [['start', '--fast'], "unknown option '--fast'"],
  [['start', 'now'], 'too many arguments'],
  [['keys', 'forge'], "unknown command 'forge'"],
  [['migrate', '--up'], "unknown option '--up'"],
  [['schema', '--json'], "unknown option '--json'"],
])('refuses %j', async (args, why) => {
  const { code, out, err } = await commandLine.run(...args);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain(why);
});

describe('run by npm', () => {
  const npm = { npm_lifecycle_event: 'simulate' };

  it('explains the forgotten `--` where the value of an option is one argument too many', async () => {
    const args = ['simulate', 'sumsub', 'approve', 'x1'];
    const { code, err } = await commandLine.runWith(npm, ...args);
    expect(code).toBe(1);
    expect(err).toContain('npm run simulate -- ');
    expect((await commandLine.run(...args)).err).not.toContain('npm run');
  });

  it('explains it where npm has kept a flag', async () => {
    const env = { ...npm, npm_config_shuffle: 'true' };
    const { code, out, err } = await commandLine.runWith(env, 'simulate', 'sumsub', 'approve');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('npm kept --shuffle for itself');
    expect(err).toContain('npm run simulate -- ');
  });

  it('names what is missing before the first build', () => {
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

describe('a failure', () => {
  it('of the configuration names every fault at once and no value', async () => {
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

  it('names a file that is no database', async () => {
    const data = join(commandLine.folder, 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'kyc.sqlite'), 'this is no database, and long enough to be looked at');
    const { code, err } = await commandLine.run('keys', 'list');
    expect(code).toBe(1);
    expect(err).toContain(`DATA_DIR: ${join(data, 'kyc.sqlite')} is not an SQLite database`);
  });

  it('shows a stack only if asked for', async () => {
    const strange = { DATA_DIR: 'a\0b' }; // no system takes this for a path
    const plain = await commandLine.runWith(strange, 'keys', 'list');
    expect(plain.code).toBe(1);
    expect(plain.err).not.toContain('    at ');
    const detailed = await commandLine.runWith({ ...strange, LOG_LEVEL: 'debug' }, 'keys', 'list');
    expect(detailed.err).toContain('    at ');
  });
});

describe('keys', () => {
  it('are made, shown once, listed and revoked', async () => {
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
    expect(again).toMatchObject({ code: 1, err: 'There is no live key with this prefix or ID.\n' });
    await commandLine.run('keys', 'create', '--name', 'other', '--scope', 'read');
    expect(await commandLine.run('keys', 'revoke', 'ApiKey:2')).toMatchObject({ code: 0 });
    expect(await commandLine.run('keys', 'revoke', 'ApiKey:3')).toMatchObject({ code: 1 });
  });

  it('take their scopes in any of the usual ways', async () => {
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
  ])('are not made with %j', async (args, why) => {
    const { code, err } = await commandLine.run('keys', 'create', ...args);
    expect(code).toBe(1);
    expect(err).toContain(why);
  });
});

describe('audit verify', () => {
  const HEAD = /^sound: (\d+) entries\nhead: (\d+:[0-9a-f]{64})\n$/;

  async function writeEntries(): Promise<void> {
    for (const name of ['one', 'two', 'three']) {
      await commandLine.run('keys', 'create', '--name', name, '--scope', 'read');
    }
  }

  it('shows the count and the head, and takes that head later', async () => {
    expect((await commandLine.run('audit', 'verify')).out).toMatch(
      /^sound: 0 entries\nhead: 0:0+\n$/,
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

  it('names the first broken entry and what is wrong with it, and fails', async () => {
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
      err: expect.stringContaining('Entry 3 of the audit log: CUT_OFF'),
    });
    await change(database, "UPDATE audit_entries SET actor = 'cli:nobody' WHERE seq = 2");
    expect(await commandLine.run('audit', 'verify')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('Entry 2 of the audit log: HASH'),
    });
  });

  it.each(['', '3', `3:${'g'.repeat(64)}`, `x:${'0'.repeat(64)}`])(
    'refuses %j as a head',
    async (head) => {
      const { code, err } = await commandLine.run('audit', 'verify', '--expect', head);
      expect(code).toBe(1);
      expect(err).toContain('Expected a head');
    },
  );
});

describe('migrate', () => {
  it('goes up, and has nothing to do the second time', async () => {
    const first = await commandLine.run('migrate');
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/^applied \w+\n/);
    expect(await commandLine.run('migrate')).toEqual({
      code: 0,
      out: 'nothing to apply\n',
      err: '',
    });
  });

  it('goes down one step at a time, to the empty database and no further', async () => {
    const { out } = await commandLine.run('migrate');
    const applied = out.trim().split('\n');
    for (const line of [...applied].reverse()) {
      const { out: reverted } = await commandLine.run('migrate', '--down');
      expect(reverted).toBe(`${line.replace('applied', 'reverted')}\n`);
    }
    const { out: none } = await commandLine.run('migrate', '--down');
    expect(none).toBe('nothing to revert\n');
  });

  it('has nothing to revert in a database that has never been used', async () => {
    expect((await commandLine.run('migrate', '--down')).out).toBe('nothing to revert\n');
  });
});

describe('replay', () => {
  async function receiveSomething(): Promise<void> {
    const receiver = await createReceiver(configuration());
    const target = ['--url', receiver.url];
    await commandLine.run('simulate', 'sumsub', 'approve', '--user', 'ada', ...target);
    await commandLine.run('simulate', 'p100', 'reject', '--user', 'bob', ...target);
    await receiver.stop();
  }

  it('changes nothing where nothing is understood otherwise', async () => {
    await receiveSomething();
    const head = await withStore((store) => store.read.head());
    expect(await commandLine.run('replay', '--all')).toEqual({
      code: 0,
      out: '6 deliveries read, 0 disposed of otherwise, 0 changes logged\n',
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
  ])('of %j reads %i deliveries', async (args, count) => {
    await receiveSomething();
    const { code, out } = await commandLine.run('replay', '--dry-run', ...args);
    expect(code).toBe(0);
    expect(out).toBe(
      `${count} deliveries read, 0 would be disposed of otherwise, 0 changes would be logged\n`,
    );
  });

  // It projected users by its own rules, beside a gateway that had others.
  it.each([['--dry-run'], []])(
    'refuses to work by other rules than the gateway has: %s',
    async (...args) => {
      await receiveSomething();
      const env = { ACCEPT_SANDBOX: 'false' };
      const { code, out, err } = await commandLine.runWith(env, 'replay', '--all', ...args);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain('POLICY_FILE, ACCEPT_SANDBOX: expected those of the gateway');
      expect(await commandLine.run('replay', '--all', ...args)).toMatchObject({ code: 0 });
    },
  );

  it('names what it had to leave alone, and fails', async () => {
    const receiver = await createReceiver(configuration());
    await commandLine.run('simulate', 'fractal-id', 'reject', '--url', receiver.url);
    await receiver.stop();
    const env = { FRACTAL_ID_FORMAT: 'kraken' };
    const { code, out, err } = await commandLine.runWith(env, 'replay', '--all');
    expect({ code, err }).toEqual({ code: 1, err: 'Left as they were: 1 of 1 deliveries.\n' });
    expect(out).toMatch(
      /^WebhookDelivery:1: left as it was \(PAYLOAD_INVALID: expected .+\)\n1 deliveries read, 0 disposed/,
    );
    expect(await commandLine.run('replay', '--all')).toMatchObject({ code: 0 });
  });

  it('reads what a provider sent that is no longer configured', async () => {
    await receiveSomething();
    const kept = configuration().dataKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`);
    const env = {
      NODE_ENV: 'production',
      DATA_KEYS: kept.join(','),
      WEBHOOK_SECRETS_PAYCADDY: 'x'.repeat(32),
      ACCEPT_SANDBOX: 'true',
    };
    const { code, out } = await commandLine.runWith(env, 'replay', '--all', '--dry-run');
    expect({ code, out: out.slice(0, 18) }).toEqual({ code: 0, out: '6 deliveries read,' });
  });

  it.each([
    [[], 'Say which deliveries, or --all'],
    [['--dry-run'], 'Say which deliveries, or --all'],
    [['--id', 'x'], 'Expected the id of a delivery'],
    [['--id', Buffer.from('User:1').toString('base64url')], 'Expected the id of a delivery'],
    [['--provider', 'veriff'], 'Allowed choices'],
    [['--disposition', 'applied'], 'Allowed choices'],
    [['--from', 'yesterday'], 'Expected e.g.'],
    [['--from', '2025-01-31T12:00:00'], 'Expected e.g.'],
    [['--before', '2025-13-31'], 'Expected e.g.'],
  ])('refuses %j', async (args, why) => {
    const { code, err } = await commandLine.run('replay', ...args);
    expect(code).toBe(1);
    expect(err).toContain(why);
  });
});

it('prints the schema, without any configuration', async () => {
  const env = { NODE_ENV: 'production' };
  const { code, out } = await commandLine.runWith(env, 'schema');
  expect(code).toBe(0);
  expect(buildSchema(out).getSubscriptionType()?.getFields()).toHaveProperty('statusChanged');
});
