/** The "Sixty seconds" of the README, executed: each command prints what the README shows. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Spawned, spawnScript } from '../cli/spawn';
import { until } from '../support/until';
import { ROOT, sectionOf } from './pages';

const MAIN = join(ROOT, 'src/cli/main.ts');
const SECTION = sectionOf('README.md', '## Sixty seconds');
const BLOCKS = [...SECTION.matchAll(/^```\n(.*?)^```$/gms)].map(([, text = '']) => text);
const [GREETING = '', WATCH = '', SIMULATE = '', WATCHED = '', QUERY = ''] = BLOCKS;
const [, HOSTILE = ''] = /`npm run (simulate [^`]+)`/.exec(SECTION) ?? [];

let folder: string;
const running: Spawned[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kyc-readme-'));
});
afterAll(async () => {
  for (const { process: child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ finished }) => finished));
  rmSync(folder, { recursive: true });
});

function run(...args: readonly string[]): Spawned {
  const spawned = spawnScript(MAIN, { PORT: '0' }, args, folder);
  running.push(spawned);
  return spawned;
}

/** `$ npm run simulate -- sumsub approve` → `simulate`, `sumsub`, `approve`. */
function argumentsOf(command: string): readonly string[] {
  return command
    .replace(/^\$ npm run /, '')
    .split(' ')
    .filter((word) => word !== '--');
}

function withoutFirstLine(text: string): string {
  return text.slice(text.indexOf('\n') + 1);
}

/** Replaces what differs between runs by what the README shows. */
function normalize(text: string, url: string): string {
  return text
    .replaceAll(url, 'http://127.0.0.1:4000')
    .replaceAll(url.replace('http', 'ws'), 'ws://127.0.0.1:4000')
    .replaceAll(/kyc_[\w-]{8,}/g, 'kyc_…')
    .replaceAll(/--after \S+?\)/g, '--after SkJx…)')
    .replaceAll(/--seed \d+/g, '--seed 742836');
}

it('shows five blocks', () => {
  expect(BLOCKS).toHaveLength(5);
});

it('prints what the README shows', async () => {
  const gateway = run('start');
  await gateway.printed('curl');
  const [, url = ''] = /(http:\/\/127\.0\.0\.1:\d+)\/graphql/.exec(gateway.output()) ?? [];
  expect(normalize(gateway.output(), url)).toContain(GREETING);

  const [watchCommand = ''] = WATCH.split('\n');
  const watch = run(...argumentsOf(watchCommand), '--url', url);
  await watch.printed('\n');
  expect(normalize(watch.output(), url)).toBe(withoutFirstLine(WATCH));

  const [simulateCommand = ''] = SIMULATE.split('\n');
  const simulated = await run(...argumentsOf(simulateCommand), '--url', url).finished;
  expect(normalize(simulated.out, url)).toContain(withoutFirstLine(SIMULATE));

  const lines = WATCHED.split('\n').length - 1;
  await until(() => watch.output().split('\n').length > lines + 1);
  expect(withoutFirstLine(normalize(watch.output(), url))).toBe(WATCHED);

  expect(await runQuery(url)).toEqual(JSON.parse(QUERY.slice(QUERY.indexOf('\n{') + 1)));

  const hostile = await run(...argumentsOf(HOSTILE), '--url', url).finished;
  expect(hostile.code).toBe(0);
});

/** Executes the `curl` command of the block with `fetch`. */
async function runQuery(url: string): Promise<unknown> {
  const [, readKey = ''] = /\$\((sed [^\n]*)\)\n/.exec(QUERY) ?? [];
  const key = execFileSync('sh', ['-c', readKey], { cwd: folder, encoding: 'utf8' }).trim();
  const [, body = ''] = /-d '(.*)'/.exec(QUERY) ?? [];
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  });
  return response.json();
}
