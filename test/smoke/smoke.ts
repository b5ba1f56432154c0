/**
 * `npm run smoke`: the first steps of a new user, against the built package. Starts the gateway in an empty folder without
 * configuration, subscribes, simulates every scenario of every provider from the command line, queries the status of each
 * user, and stops the gateway.
 */

import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv, promisify } from 'node:util';
import { fractalIdSimulator } from '../../src/cli/simulation/fractal-id';
import { p100Simulator } from '../../src/cli/simulation/p100';
import { paycaddySimulator } from '../../src/cli/simulation/paycaddy';
import {
  getExpectedResult,
  type ProviderSimulator,
  SCENARIO_NAMES,
  type ScenarioName,
} from '../../src/cli/simulation/scenario';
import { sumsubSimulator } from '../../src/cli/simulation/sumsub';
import { createGatewayProcess } from '../drills/trial/gateway-process';
import { readLog } from '../drills/trial/log-entries';
import { type Ask, createAsk } from '../drills/trial/query';
import { type Subscriber, startSubscriber } from '../drills/trial/subscriber';

const MAIN = join(__dirname, '../../dist/src/cli/main.js');
const TELLERS = [fractalIdSimulator, sumsubSimulator, paycaddySimulator, p100Simulator];
const PATIENCE_MS = 60_000;

const run = promisify(execFile);

/** @throws {Error} If a step fails. */
async function smoke(folder: string): Promise<void> {
  const gateway = createGatewayProcess({ args: [MAIN, 'start'], folder, env: {} });
  try {
    await gateway.start();
    const url = await gateway.url();
    const apiKey = readApiKey(folder);
    const ask = createAsk(url, apiKey);
    const { cursor } = await ask<{ cursor: string }>('{ cursor }');
    const subscriber = startSubscriber(gateway, apiKey, { after: cursor });
    try {
      for (const teller of TELLERS) {
        for (const story of SCENARIO_NAMES) await play(teller, story, { folder, url, ask });
      }
      await checkSubscriber(subscriber, ask);
    } finally {
      await subscriber.close();
    }
    assertEqual('exit code after SIGTERM', await gateway.stop(), 0);
  } finally {
    await gateway.kill();
  }
}

function readApiKey(folder: string): string {
  const secrets = parseEnv(readFileSync(join(folder, 'data', 'secrets.env'), 'utf8'));
  return secrets.BOOTSTRAP_API_KEY ?? '';
}

interface Stage {
  readonly folder: string;
  readonly url: string;
  readonly ask: Ask;
}

async function play(
  teller: ProviderSimulator,
  story: ScenarioName,
  { folder, url, ask }: Stage,
): Promise<void> {
  const user = `${teller.provider}-${story}`;
  const args = ['simulate', teller.provider, story, '--user', user, '--url', url];
  await run(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '' },
  });
  const { verificationStatus, attemptStatus } = getExpectedResult(teller, story);
  const expected = `${verificationStatus}, ${attemptStatus}`;
  assertEqual(`${teller.provider} ${story}`, await readStanding(ask, teller, user), expected);
}

interface Standing {
  readonly user: {
    readonly verificationStatus: string;
    readonly attempts: { readonly nodes: readonly { readonly status: string }[] };
  } | null;
}

async function readStanding(
  ask: Ask,
  { provider, identifiedBy: names }: ProviderSimulator,
  user: string,
): Promise<string> {
  const [type, argument, variables] =
    names === 'externalUserId'
      ? ['String', 'externalUserId', { who: user }]
      : ['IdentityInput', 'identity', { who: { provider: enumOf(provider), ref: user } }];
  const answer = await ask<Standing>(
    `query ($who: ${type}!) {
      user(${argument}: $who) {
        verificationStatus
        attempts(first: 1, orderBy: { field: UPDATED_AT, direction: DESC }) { nodes { status } }
      }
    }`,
    variables,
  );
  return `${answer.user?.verificationStatus}, ${answer.user?.attempts.nodes[0]?.status}`;
}

function enumOf(provider: string): string {
  return provider.toUpperCase().replaceAll('-', '_');
}

/** It has been given every entry of the log, once and in order. */
async function checkSubscriber({ cursors }: Subscriber, ask: Ask): Promise<void> {
  const expected = (await readLog(ask)).map(({ cursor }) => cursor);
  const patience = performance.now() + PATIENCE_MS;
  while (cursors.length < expected.length && performance.now() < patience) await sleep(5);
  assertEqual('changes pushed to the subscriber', cursors.join(), expected.join(), expected.length);
}

/** Prints the value, or `shown` in its place. @throws {Error} If the values differ. */
function assertEqual<T>(what: string, found: T, expected: T, shown: unknown = found): void {
  if (found !== expected) throw new Error(`${what}: expected ${expected}, found ${found}`);
  process.stdout.write(`${what.padEnd(34)}${shown}\n`);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kyc-smoke-'));
  try {
    await smoke(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : 'The smoke run broke off.'}\n`);
  process.exitCode = 1;
});
