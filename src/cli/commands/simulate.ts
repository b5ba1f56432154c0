/** `kyc-gateway simulate`: plays a vendor, with truly signed webhooks, against a running gateway. */

import { randomInt } from 'node:crypto';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type { Config } from '../../config/load-config';
import { loadConfiguration } from '../configuration';
import { type CliContext, CliError } from '../context';
import { curl } from '../curl';
import { configuredUrl, parseUrl } from '../gateway-url';
import { arrange, type Chaos } from '../simulation/chaos';
import { fractalIdTeller, krakenTeller } from '../simulation/fractal-id';
import { p100Teller } from '../simulation/p100';
import { paycaddyTeller } from '../simulation/paycaddy';
import { createRandom, type Random } from '../simulation/random';
import { send, type Target } from '../simulation/send';
import {
  endingOf,
  STORY_NAMES,
  type StoryName,
  type Teller,
  type Telling,
} from '../simulation/story';
import { sumsubTeller } from '../simulation/sumsub';

const TELLERS = [fractalIdTeller, sumsubTeller, paycaddyTeller, p100Teller];

const PRODUCTION =
  'NODE_ENV is production: invented webhooks would verify real users. Pass --allow-production to send them all the same. Only Sumsub marks them as sandbox.';

interface Options extends Partial<Chaos> {
  readonly user?: string;
  readonly url?: string;
  readonly count: number;
  readonly seed?: number;
  readonly allowProduction?: boolean;
}

export function addSimulate(program: Command, context: CliContext): void {
  const providers = TELLERS.map(({ provider }) => provider);
  program
    .command('simulate')
    .description('send a vendor’s signed webhooks to a running gateway')
    .addArgument(new Argument('<provider>', 'the vendor to play').choices(providers))
    .addArgument(new Argument('<story>', 'what it tells').choices(STORY_NAMES))
    .option('--user <id>', 'the user that it is about (default: an invented one)')
    .addOption(countOption())
    .option('--url <url>', 'where the gateway listens (default: as configured)', parseUrl)
    .option('--shuffle', 'send in any order')
    .option('--duplicate', 'send some of them again, up to three times in all')
    .option('--corrupt', 'send tampered copies too; the gateway has to refuse them')
    .option('--seed <number>', 'repeat the chance of an earlier run', parseCount)
    .option('--allow-production', 'send also where NODE_ENV is production')
    .action((provider: string, story: StoryName, options: Options) =>
      simulate(context, provider, story, options),
    );
}

async function simulate(
  context: CliContext,
  provider: string,
  story: StoryName,
  options: Options,
): Promise<void> {
  const config = loadConfiguration(context);
  if (config.mode === 'production' && options.allowProduction !== true) {
    throw new CliError(PRODUCTION);
  }
  const teller = tellerOf(provider, config);
  const seed = options.seed ?? randomInt(1_000_000);
  const random = createRandom(seed);
  const target = targetOf(config, teller, options);
  const stories = tellAll(teller, story, usersOf(teller, options, random));
  const lanes = arrange(teller, stories, chaosOf(options), random);

  const tally = { expected: 0, all: 0 };
  await send(lanes, target, ({ user, telling, spoilt }, { status, word, expected }) => {
    tally.all += 1;
    tally.expected += expected ? 1 : 0;
    const note = spoilt ? ` (tampered: ${spoilt.toLowerCase()})` : '';
    const mark = expected ? ' ' : '!';
    context.print(`${mark} ${status} ${word.padEnd(18)} ${telling.what}${note}  ${user}`);
  });

  context.print('');
  context.print(`${tally.expected} of ${tally.all} answers as expected (--seed ${seed})`);
  if (tally.expected < tally.all) {
    throw new CliError(`${tally.all - tally.expected} answers were not as expected.`);
  }
  for (const line of outcome(teller, story, options, config)) context.print(line);
  const [firstUser = ''] = stories.keys();
  context.print(`\n  ${curl(target.url, config.bootstrapApiKey, queryFor(teller, firstUser))}\n`);
}

function tellerOf(provider: string, config: Config): Teller {
  if (provider === 'fractal-id' && config.fractalIdFormat === 'kraken') return krakenTeller;
  const teller = TELLERS.find((candidate) => candidate.provider === provider);
  if (teller === undefined) throw new CliError('There is no such provider.');
  return teller;
}

function targetOf(config: Config, teller: Teller, { url }: Options): Target {
  const secrets = config.webhookSecrets[teller.provider] ?? [];
  return {
    url: url ?? configuredUrl(config),
    teller,
    secretFor: (wanted) => {
      const fitting = secrets.find(({ type }) => type === undefined || type === wanted);
      if (fitting === undefined) throw new CliError(`${teller.provider} has no secret for this.`);
      return fitting.secret;
    },
    signing: {
      fractalIdFormat: config.fractalIdFormat,
      sumsubDigest: config.sumsubMinimumDigest,
    },
  };
}

function usersOf(teller: Teller, { user, count }: Options, random: Random): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    if (user === undefined) return teller.inventUser(random);
    return count === 1 ? user : `${user}-${index + 1}`;
  });
}

function tellAll(
  teller: Teller,
  story: StoryName,
  users: readonly string[],
): ReadonlyMap<string, readonly Telling[]> {
  const now = new Date();
  const told = users.map((user) => [user, teller.tell(story, user, now) ?? speechless()] as const);
  return new Map(told);
}

function speechless(): never {
  throw new CliError('This vendor has no words for this story: Kraken reports decisions only.');
}

function chaosOf({ shuffle = false, duplicate = false, corrupt = false }: Options): Chaos {
  return { shuffle, duplicate, corrupt };
}

function outcome(
  teller: Teller,
  story: StoryName,
  { shuffle, count }: Options,
  config: Config,
): readonly string[] {
  const who = count === 1 ? 'The user' : 'Each user';
  if (teller.marksSandbox && !config.acceptSandbox) {
    return [`${who} has a sandbox attempt, which does not count: ACCEPT_SANDBOX is false.`];
  }
  if (shuffle && !teller.dated) {
    return [`${who} now has the status that arrived last: this vendor sends no clock.`];
  }
  const { verificationStatus, attemptStatus } = endingOf(teller, story);
  const attempt = `the latest attempt ${attemptStatus}`;
  return config.policy.verified === null
    ? [`${who}, if new to the gateway, should now be ${verificationStatus}, ${attempt}.`]
    : [`${who}’s status now follows from POLICY_FILE; ${attempt}.`];
}

function queryFor({ provider, names }: Teller, user: string): string {
  const fields = '{ verificationStatus attempts(first: 1) { nodes { status providerStatus } } }';
  const id = JSON.stringify(user);
  if (names === 'externalUserId') return `{ user(externalUserId: ${id}) ${fields} }`;
  const enumName = provider.toUpperCase().replaceAll('-', '_');
  return `{ user(identity: { provider: ${enumName}, ref: ${id} }) ${fields} }`;
}

function countOption(): Option {
  return new Option('--count <n>', 'how many users').argParser(parseCount).default(1);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,6}$/.test(text) || count === 0) {
    throw new InvalidArgumentError('Expected a whole number from 1 to 999999.');
  }
  return count;
}
