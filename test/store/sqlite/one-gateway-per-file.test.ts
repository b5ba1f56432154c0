/** Two gateways on one SQLite file: the second one does not start. */

import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/program';
import { ConfigError } from '../../../src/domain/errors';
import { spawnScript } from '../../cli/spawn';
import { startGateway, type TestGateway } from '../../e2e/support/gateway';
import { createDisposal } from '../../support/disposal';
import { createTempDir } from '../../support/temp-dir';

const disposal = createDisposal();
const MAIN = join(__dirname, '../../../src/cli/main.ts');
const BUSY = /^DATABASE_URL: \/.*\.sqlite is in use by another gateway/;

async function faultsOf(start: Promise<unknown>): Promise<readonly string[]> {
  const error = await start.catch((reason: unknown) => reason);
  return error instanceof ConfigError ? error.faults : [];
}

function envOf(folder: string, file = 'kyc.sqlite') {
  return { DATA_DIR: folder, DATABASE_URL: `sqlite:${join(folder, file)}` };
}

async function startOn(folder: string): Promise<TestGateway> {
  return await startGateway(disposal, { env: envOf(folder) });
}

it('is rejected, and changes neither the first one nor its data', async () => {
  const folder = await createTempDir(disposal);
  const first = await startOn(folder);
  expect(await faultsOf(startOn(folder))).toEqual([expect.stringMatching(BUSY)]);
  const reply = await first.post('sumsub', { type: 'applicantCreated', applicantId: 'a' });
  expect(reply.status).toBe(200);
  await first.stop();
  const second = await startOn(folder);
  expect(await second.store.read.countDeliveries({})).toBe(1);
});

it('is rejected under any name of the file', async () => {
  const folder = await createTempDir(disposal);
  const link = join(await createTempDir(disposal), 'link');
  symlinkSync(folder, link);
  await startOn(folder);
  symlinkSync(join(folder, 'kyc.sqlite'), join(folder, 'other.sqlite'));
  expect(await faultsOf(startOn(link))).toEqual([expect.stringMatching(BUSY)]);
  const env = envOf(folder, 'other.sqlite');
  expect(await faultsOf(startGateway(disposal, { env }))).toEqual([expect.stringMatching(BUSY)]);
});

it('starts after the first one failed to start', async () => {
  const folder = await createTempDir(disposal);
  const { port } = await startOn(await createTempDir(disposal));
  const env = { ...envOf(folder), PORT: String(port) };
  await expect(startGateway(disposal, { env })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const wrong = envOf(folder, '');
  await expect(startGateway(disposal, { env: wrong })).rejects.toThrow(ConfigError);
  await startOn(folder);
});

it('starts after the first one was killed', async () => {
  const folder = await createTempDir(disposal);
  const env = { DATA_DIR: folder, PORT: '0' };
  const killed = spawnScript(MAIN, env, ['start'], folder);
  await killed.printed('gateway is listening');
  const second = spawnScript(MAIN, env, ['start'], folder);
  const { code, err } = await second.finished;
  const busy = `DATA_DIR: ${join(folder, 'kyc.sqlite')} is in use by another gateway`;
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(busy) });

  killed.process.kill('SIGKILL');
  await killed.finished;
  const third = spawnScript(MAIN, env, ['start'], folder);
  await third.printed('gateway is listening');
  third.process.kill('SIGTERM');
  expect(await third.finished).toMatchObject({ code: 0 });
});

it('does not block commands', async () => {
  const folder = await createTempDir(disposal);
  const gateway = await startOn(folder);
  await gateway.post('sumsub', { type: 'applicantCreated', applicantId: 'a' });
  const printed: string[] = [];
  const run = (...args: readonly string[]) =>
    runCli(args, {
      env: {
        DATA_DIR: folder,
        DATA_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
        WEBHOOK_SECRETS_SUMSUB: 'a secret of sumsub',
      },
      dotEnvFile: join(folder, '.env'),
      print: (line) => printed.push(line),
      printError: (line) => printed.push(line),
      isTerminal: false,
    });
  expect(await run('keys', 'create', '--name', 'n', '--scope', 'read')).toBe(0);
  expect(await run('replay', '--all')).toBe(0);
  expect(await run('migrate')).toBe(0);
  expect(printed.at(-1)).toBe('No migrations to apply.');
});
