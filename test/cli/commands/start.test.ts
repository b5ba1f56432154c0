/** Tests of the gateway as a process: start, shutdown and crash. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Spawned, spawnScript } from '../spawn';

const MAIN = join(__dirname, '../../../src/cli/main.ts');
const onLinux = process.platform === 'linux' ? it : it.skip; // requires /proc
const PRODUCTION = {
  NODE_ENV: 'production',
  PORT: '0',
  DATA_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  WEBHOOK_SECRETS_SUMSUB: 'a secret of sumsub',
};

let folder: string;
let spawned: Spawned[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kyc-start-'));
  spawned = [];
});
afterEach(async () => {
  for (const { process: child } of spawned) child.kill('SIGKILL');
  await Promise.all(spawned.map(({ finished }) => finished));
  rmSync(folder, { recursive: true });
});

function run(env: Readonly<Record<string, string>>, ...args: readonly string[]): Spawned {
  const child = spawnScript(MAIN, { PORT: '0', ...env }, args, folder);
  spawned.push(child);
  return child;
}

async function start(env: Readonly<Record<string, string>> = {}) {
  const gateway = run(env, 'start');
  await gateway.printed('gateway is listening');
  const url = /"url":"([^"]+)"/.exec(gateway.output())?.[1] ?? '';
  return { ...gateway, url };
}

describe('in development', () => {
  it('prints instructions for a new developer', async () => {
    const gateway = await start();
    await gateway.printed('curl');
    const output = gateway.output();
    expect(output).toContain(`${gateway.url}/graphql`);
    expect(output).toContain(`${gateway.url.replace('http', 'ws')}/graphql`);
    expect(output).toContain('(fractal-id, sumsub, paycaddy, p100)');
    expect(output).toContain('data/secrets.env');
    expect(output).toContain(`npm run simulate -- sumsub approve --url ${gateway.url}`);
    expect(readdirSync(join(folder, 'data'))).toContain('secrets.env');
  });

  // Regression: with the default of four threads, four slow queries delayed every webhook.
  onLinux('reserves threads for the database', async () => {
    const threads = ({ process: { pid } }: Spawned) => readdirSync(`/proc/${pid}/task`).length;
    const withFour = await start({ UV_THREADPOOL_SIZE: '4' });
    const withDefault = await start({ DATA_DIR: 'other' });
    expect(threads(withDefault) - threads(withFour)).toBe(12);
  });

  it('reports a host that is not an address of this machine', async () => {
    const { code, err } = await run({ HOST: '192.0.2.1' }, 'start').finished;
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(
        /^The configuration has one fault:\n {2}HOST: .*192\.0\.2\.1 .*EADDRNOTAVAIL/,
      ),
    });
  });

  it('reports a port that is in use, and how to select another', async () => {
    const { port } = new URL((await start()).url);
    const second = await run({ PORT: port, DATA_DIR: 'other' }, 'start').finished;
    expect(second).toMatchObject({
      code: 1,
      err: `Another process is using 127.0.0.1:${port}. Stop it, or set PORT (0 selects a free port).\n`,
    });
  });

  it('simulates webhooks that can be queried and watched', async () => {
    const gateway = await start();
    const target = ['--url', gateway.url];
    const watch = run({}, 'watch', ...target);
    await watch.printed('Watching');
    const simulation = await run({}, 'simulate', 'sumsub', 'approve', '--user', 'ada', ...target)
      .finished;
    expect(simulation).toMatchObject({ code: 0, err: '' });

    await watch.printed('APPROVED');
    const lines = watch
      .output()
      .split('\n')
      .filter((line) => line.startsWith('ada'));
    expect(lines.map((line) => line.split('  ').slice(1, 3).join(' '))).toEqual([
      'NOT_VERIFIED DELIVERY',
      'NOT_VERIFIED DELIVERY',
      'VERIFIED DELIVERY',
    ]);

    const [, authorization, query] =
      /-H '(authorization: [^']+)' .* -d '(.+)'/.exec(simulation.out) ?? [];
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        authorization: authorization?.replace('authorization: ', '') ?? '',
        'content-type': 'application/json',
      },
      body: query ?? '',
    });
    expect(await response.json()).toMatchObject({
      data: {
        user: { verificationStatus: 'VERIFIED', attempts: { nodes: [{ status: 'APPROVED' }] } },
      },
    });
  });

  it('reports an invalid API key and an unreachable gateway to `watch`', async () => {
    const gateway = await start();
    const otherKey = { BOOTSTRAP_API_KEY: 'x'.repeat(40) };
    const rejected = await run(otherKey, 'watch', '--url', gateway.url).finished;
    expect(rejected).toMatchObject({
      code: 1,
      err: 'The gateway rejected the API key of BOOTSTRAP_API_KEY.\n',
    });

    gateway.process.kill('SIGTERM');
    await gateway.finished;
    const alone = await run({}, 'watch', '--url', gateway.url).finished;
    expect(alone).toMatchObject({
      code: 1,
      err: `No gateway responds at ${gateway.url}. Start it, or pass another URL with --url.\n`,
    });
  });

  it('continues `watch` after a restart of the gateway', async () => {
    const gateway = await start();
    const target = ['--url', gateway.url];
    const watch = run({}, 'watch', ...target);
    await watch.printed('Watching');
    await run({}, 'simulate', 'p100', 'approve', '--user', 'ada', ...target).finished;
    await watch.printed('APPROVED');
    gateway.process.kill('SIGTERM');
    expect((await gateway.finished).code).toBe(0);

    await start({ PORT: new URL(gateway.url).port });
    await run({}, 'simulate', 'p100', 'reject', '--user', 'bob', ...target).finished;
    await watch.printed('REJECTED');
    const users = watch
      .output()
      .split('\n')
      .slice(1, -1)
      .map((line) => line.slice(0, 3));
    expect(users).toEqual(['ada', 'ada', 'ada', 'bob', 'bob', 'bob']);
  });
});

describe('in production', () => {
  it('prints only log lines', async () => {
    const gateway = await start(PRODUCTION);
    gateway.process.kill('SIGTERM');
    const { code, out, err } = await gateway.finished;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ msg }) => msg)).toContain('gateway is listening');
    expect(lines.at(-1)).toMatchObject({ level: 'info', msg: 'stopped' });
    expect(readdirSync(join(folder, 'data'))).not.toContain('secrets.env');
  });

  it('is watched with an API key, also if trusted documents are enforced', async () => {
    const documents = join(folder, 'documents.json');
    writeFileSync(documents, '{"a":"{ cursor }"}');
    const env = { ...PRODUCTION, TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_FILE: documents };
    const scope = ['--scope', 'read,erase,operate'];
    const made = await run(env, 'keys', 'create', '--name', 'watcher', ...scope).finished;
    const key = made.out.trim();
    const gateway = await start(env);
    const watch = run({ KYC_API_KEY: key }, 'watch', '--url', gateway.url);
    await watch.printed('Watching');
    const other = run({}, 'watch', '--url', gateway.url, '--key', key);
    await other.printed('Watching');
    const target = ['--url', gateway.url, '--user', 'ada'];
    const simulated = await run(env, 'simulate', 'sumsub', 'approve', ...target).finished;
    expect(simulated).toMatchObject({ code: 1, err: expect.stringMatching('--allow-production') });
    const allowed = ['--allow-production', ...target];
    expect(await run(env, 'simulate', 'sumsub', 'approve', ...allowed).finished).toMatchObject({
      code: 0,
      out: expect.stringMatching('sandbox'),
    });
    await watch.printed('APPROVED');
    await other.printed('APPROVED');
    expect(watch.output()).toMatch(/^ada {2}NOT_VERIFIED {2}DELIVERY {2}SUMSUB /m);
    expect(watch.output()).not.toMatch(/ {2}VERIFIED/);
    expect(readdirSync(join(folder, 'data'))).not.toContain('secrets.env');
    const none = await run(PRODUCTION, 'watch', '--url', gateway.url).finished;
    expect(none).toMatchObject({ code: 1, err: expect.stringMatching('KYC_API_KEY') });
  });

  it('does not start with an invalid trusted document', async () => {
    const documents = join(folder, 'documents.json');
    writeFileSync(documents, '{"valid":"{ cursor }","a":"query { nosuch }","b":"{"}');
    const env = { ...PRODUCTION, TRUSTED_DOCUMENTS_FILE: documents };
    const { code, err } = await run(env, 'start').finished;
    expect(code).toBe(1);
    expect(err).toMatch(/TRUSTED_DOCUMENTS_FILE: document "a": .*nosuch/);
    expect(err).toContain('TRUSTED_DOCUMENTS_FILE: document "b": ');
    expect(err).not.toContain('"valid"');
  });

  it('does not start with a fault, and creates no files', async () => {
    const { code, out, err } = await run({ NODE_ENV: 'production' }, 'start').finished;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('DATA_KEYS');
    expect(err).toContain('WEBHOOK_SECRETS_<PROVIDER>');
    expect(readdirSync(folder)).toEqual([]);
  });
});

it('reports why it cannot listen', async () => {
  const first = await start();
  const { port } = new URL(first.url);
  const { code, err } = await run({ PORT: port, DATA_DIR: 'other' }, 'start').finished;
  expect(code).toBe(1);
  expect(err).toContain('set PORT');
});

describe('signal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s stops the gateway after active requests',
    async (signal) => {
      const gateway = await start();
      gateway.process.kill(signal);
      const { code, out } = await gateway.finished;
      expect(code).toBe(0);
      expect(out).toContain(`"signal":"${signal}"`);
      expect(out.trim().split('\n').at(-1)).toContain('"stopped"');
    },
  );

  it('stops the gateway at once if it is the second one', async () => {
    const gateway = await start();
    const { hostname, port } = new URL(gateway.url);
    const sender = connect(Number(port), hostname); // delays the shutdown, because the body never arrives
    sender.on('error', () => {});
    sender.write(
      'POST /webhooks/sumsub HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n',
    );
    await new Promise((resolve) => sender.once('data', resolve));
    gateway.process.kill('SIGTERM');
    await gateway.printed('stopping');
    gateway.process.kill('SIGINT');
    const { code, out } = await gateway.finished;
    sender.destroy();
    expect(code).toBe(1);
    expect(out).toContain('exited after a second SIGINT');
  });
});

it('names the data folder if it cannot be created', async () => {
  writeFileSync(join(folder, 'file'), '');
  const env = { ...PRODUCTION, DATA_DIR: join(folder, 'file', 'data') };
  const { code, err } = await run(env, 'start').finished;
  expect(code).toBe(1);
  expect(err).toContain(`DATA_DIR: ${join(folder, 'file', 'data', 'kyc.sqlite')} is below a file`);
});

it.each(['rejection', 'exception'])('logs an unhandled %s and exits', async (kind) => {
  const env = { ...PRODUCTION, DATA_DIR: folder };
  const crashing = spawnScript(join(__dirname, 'crash.ts'), env, [kind]);
  spawned.push(crashing);
  const { code, out } = await crashing.finished;
  expect(code).toBe(1);
  const last = JSON.parse(out.trim().split('\n').at(-1) ?? '');
  expect(last).toMatchObject({ level: 'fatal', err: { message: 'unhandled' } });
});
