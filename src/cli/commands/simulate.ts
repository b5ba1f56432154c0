/** `kyc-gateway simulate`: sends signed webhooks of a provider to a running gateway. */

import { randomInt } from 'node:crypto';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type { Config } from '../../config/load-config';
import { loadConfiguration } from '../configuration';
import { type CliContext, CliError } from '../context';
import { formatCurl, parseUrl, toGatewayUrl } from '../gateway-url';
import { fractalIdSimulator, krakenSimulator } from '../simulation/fractal-id';
import { p100Simulator } from '../simulation/p100';
import { paycaddySimulator } from '../simulation/paycaddy';
import { type DeliveryFaults, planRequests } from '../simulation/plan';
import { createRandom, type Random } from '../simulation/random';
import {
  getExpectedResult,
  type ProviderSimulator,
  SCENARIO_NAMES,
  type ScenarioName,
  type SimulatedWebhook,
} from '../simulation/scenario';
import { type GatewayTarget, sendRequests } from '../simulation/send';
import { sumsubSimulator } from '../simulation/sumsub';

const SIMULATORS = [fractalIdSimulator, sumsubSimulator, paycaddySimulator, p100Simulator];

const PRODUCTION =
  'NODE_ENV is production, where simulated webhooks can verify real users. Pass --allow-production to send them anyway. Only those of Sumsub are marked as sandbox.';

interface Options extends Partial<DeliveryFaults> {
  readonly user?: string;
  readonly url?: string;
  readonly count: number;
  readonly seed?: number;
  readonly allowProduction?: boolean;
}

export function addSimulate(program: Command, context: CliContext): void {
  const providers = SIMULATORS.map(({ provider }) => provider);
  program
    .command('simulate')
    .description('Send signed webhooks of a provider to a running gateway.')
    .addArgument(new Argument('<provider>', 'provider to simulate').choices(providers))
    .addArgument(new Argument('<scenario>', 'course of the verification').choices(SCENARIO_NAMES))
    .option('--user <id>', 'ID of the user (default: a random ID)')
    .addOption(countOption())
    .option('--url <url>', 'URL of the gateway (default: from the configuration)', parseUrl)
    .option('--shuffle', 'send in random order')
    .option('--duplicate', 'send some webhooks up to three times')
    .option('--corrupt', 'also send tampered copies, which the gateway must reject')
    .option('--seed <number>', 'random seed of an earlier run, to repeat it', parseCount)
    .option('--allow-production', 'send even if NODE_ENV is production')
    .action((provider: string, scenario: ScenarioName, options: Options) =>
      simulate(context, provider, scenario, options),
    );
}

async function simulate(
  context: CliContext,
  provider: string,
  scenario: ScenarioName,
  options: Options,
): Promise<void> {
  const config = loadConfiguration(context);
  if (config.mode === 'production' && options.allowProduction !== true) {
    throw new CliError(PRODUCTION);
  }
  const simulator = findSimulator(provider, config);
  const seed = options.seed ?? randomInt(1_000_000);
  const random = createRandom(seed);
  const target = toTarget(config, simulator, options);
  const webhooksByUser = createAllWebhooks(
    simulator,
    scenario,
    createUserIds(simulator, options, random),
  );
  const sequences = planRequests(simulator, webhooksByUser, toFaults(options), random);

  const counts = { expected: 0, all: 0 };
  await sendRequests(
    sequences,
    target,
    ({ user, webhook, tampering }, { status, result, isExpected }) => {
      counts.all += 1;
      counts.expected += isExpected ? 1 : 0;
      const note = tampering ? ` (tampered: ${tampering.toLowerCase()})` : '';
      const mark = isExpected ? ' ' : '!';
      context.print(`${mark} ${status} ${result.padEnd(18)} ${webhook.label}${note}  ${user}`);
    },
  );

  context.print('');
  context.print(`Expected responses: ${counts.expected} of ${counts.all} (--seed ${seed}).`);
  if (counts.expected < counts.all) {
    throw new CliError(
      `Unexpected responses: ${counts.all - counts.expected}. Check the URL and the webhook secrets.`,
    );
  }
  for (const line of describeExpectedResult(simulator, scenario, options, config))
    context.print(line);
  const [firstUser = ''] = webhooksByUser.keys();
  context.print(
    `\n  ${formatCurl(target.url, config.bootstrapApiKey, createQuery(simulator, firstUser))}\n`,
  );
}

function findSimulator(provider: string, config: Config): ProviderSimulator {
  if (provider === 'fractal-id' && config.fractalIdFormat === 'kraken') return krakenSimulator;
  const simulator = SIMULATORS.find((candidate) => candidate.provider === provider);
  if (simulator === undefined) throw new CliError('The provider does not exist.');
  return simulator;
}

function toTarget(config: Config, simulator: ProviderSimulator, { url }: Options): GatewayTarget {
  const secrets = config.webhookSecrets[simulator.provider] ?? [];
  return {
    url: url ?? toGatewayUrl(config),
    simulator,
    getSecret: (webhookType) => {
      const match = secrets.find(({ type }) => type === undefined || type === webhookType);
      if (match === undefined) {
        throw new CliError(
          `No configured secret of ${simulator.provider} is valid for the type ${webhookType}.`,
        );
      }
      return match.secret;
    },
    signing: {
      fractalIdFormat: config.fractalIdFormat,
      sumsubDigest: config.sumsubMinimumDigest,
    },
  };
}

function createUserIds(
  simulator: ProviderSimulator,
  { user, count }: Options,
  random: Random,
): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    if (user === undefined) return simulator.createUserId(random);
    return count === 1 ? user : `${user}-${index + 1}`;
  });
}

function createAllWebhooks(
  simulator: ProviderSimulator,
  scenario: ScenarioName,
  users: readonly string[],
): ReadonlyMap<string, readonly SimulatedWebhook[]> {
  const now = new Date();
  const entries = users.map(
    (user) => [user, simulator.createWebhooks(scenario, user, now) ?? throwUnsupported()] as const,
  );
  return new Map(entries);
}

function throwUnsupported(): never {
  throw new CliError('The provider does not support this scenario: Kraken reports only decisions.');
}

function toFaults({
  shuffle = false,
  duplicate = false,
  corrupt = false,
}: Options): DeliveryFaults {
  return { shuffle, duplicate, corrupt };
}

function describeExpectedResult(
  simulator: ProviderSimulator,
  scenario: ScenarioName,
  { shuffle, count }: Options,
  config: Config,
): readonly string[] {
  const subject = count === 1 ? 'The user' : 'Each user';
  if (simulator.marksSandbox && !config.acceptSandbox) {
    return [
      `${subject} has a sandbox attempt, which does not count because ACCEPT_SANDBOX is false.`,
    ];
  }
  if (shuffle && !simulator.dated) {
    return [
      `${subject} has the status that arrived last, because this provider sends no timestamps.`,
    ];
  }
  const { verificationStatus, attemptStatus } = getExpectedResult(simulator, scenario);
  const attempt = `the latest attempt ${attemptStatus}`;
  return config.policy.verified === null
    ? [`${subject}, if new to the gateway, should now be ${verificationStatus}, ${attempt}.`]
    : [`${subject}’s status depends on POLICY_FILE. The attempt: ${attempt}.`];
}

function createQuery({ provider, identifiedBy: names }: ProviderSimulator, user: string): string {
  const fields = '{ verificationStatus attempts(first: 1) { nodes { status providerStatus } } }';
  const id = JSON.stringify(user);
  if (names === 'externalUserId') return `{ user(externalUserId: ${id}) ${fields} }`;
  const enumName = provider.toUpperCase().replaceAll('-', '_');
  return `{ user(identity: { provider: ${enumName}, ref: ${id} }) ${fields} }`;
}

function countOption(): Option {
  return new Option('--count <n>', 'number of users').argParser(parseCount).default(1);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,6}$/.test(text) || count === 0) {
    throw new InvalidArgumentError('The value must be a whole number from 1 to 999999.');
  }
  return count;
}
