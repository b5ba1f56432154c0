/**
 * The common part of all drills: gateways under load, subscribers, a disturbance, and the checks at the end. No delivery
 * may be missing or duplicated, no subscriber may have missed a change, and the state must equal that of an undisturbed
 * gateway.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/cli/simulation/random';
import { type Check, check, type KeptDelivery } from './checks';
import { createPlan, type Mishaps, type Plan, USUAL_MISHAPS } from './deliveries';
import { createDatabase, type Database, type Engine } from './engine';
import { createFleet, type Fleet } from './fleet';
import { createGatewayProcess, type GatewayProcess } from './gateway-process';
import { readLog } from './log-entries';
import { type Ask, askForAll, createAsk } from './query';
import { API_KEY, ENVIRONMENT } from './secrets';
import { type Sending, startSending } from './sender';
import { readState } from './state';
import { type Subscriber, startSubscriber } from './subscriber';

/** Settings of a run, from the command line. */
export interface Setting {
  readonly engine: Engine;
  /** Arguments of Node.js for a gateway, `start` included. */
  readonly gateway: readonly string[];
  /** An empty folder for all data. */
  readonly folder: string;
  /** At least. */
  readonly posts: number;
  /** Number of disturbances. */
  readonly cycles: number;
  /** Time for which a service is unavailable, in milliseconds. */
  readonly awayMs: number;
  /** Decides what is sent and when something happens, though not what the machine makes of that. */
  readonly random: Random;
}

export interface Report {
  readonly checks: readonly Check[];
  readonly sent: number;
  readonly acknowledged: number;
  readonly setbacks: Sending['setbacks'];
  /** Description of the disturbances, for the report. */
  readonly happened: string;
}

/** Options in which one drill differs from the default. */
export interface TrialOptions {
  /** Number of gateways. */
  readonly gateways?: number;
  /** See `GatewayCommand.revived`. */
  readonly revived?: boolean;
  /** Data directory, if not in the folder of the drill. */
  readonly dataDir?: string;
  /** Options of Node.js. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly mishaps?: Partial<Mishaps>;
  /** Gateways that receive posts, and the gateway of each subscriber. Default: round robin. */
  readonly sendTo?: (fleet: Fleet) => { url(): Promise<string> };
  readonly subscribeTo?: (fleet: Fleet) => readonly { url(): Promise<string> }[];
  /** Whether the subscriber with this number resumes when its connection breaks. Default: all do. */
  readonly resumes?: (subscriber: number) => boolean;
  /** Minimum time to send all posts, in milliseconds. */
  readonly lastsMs?: number;
}

export interface Trial {
  readonly fleet: Fleet;
  readonly database: Database;
  readonly sending: Sending;
  readonly subscribers: readonly Subscriber[];
  /** Resolves when this share of the posts is acknowledged, or all are. */
  reach(share: number): Promise<void>;
}

const CONNECTIONS = 64;
const PATIENCE_MS = 60_000;

/**
 * Runs one drill and stops everything that it started, also after an error.
 *
 * @param disturb - Performs the disturbances. Returns their description.
 * @throws {Error} if the drill could not be held.
 */
export async function holdTrial(
  setting: Setting,
  options: TrialOptions,
  disturb: (trial: Trial) => Promise<string>,
): Promise<Report> {
  const { engine, folder, posts, random } = setting;
  const plan = createPlan(posts, random, { ...USUAL_MISHAPS, ...options.mishaps });
  const disturbed = makeFolder(folder, 'disturbed');
  const database = await createDatabase(engine, options.dataDir ?? disturbed);
  const env = { ...database.env, ...options.env };
  const fleet = createFleet(
    Array.from({ length: options.gateways ?? 1 }, () =>
      createGateway(setting, options, disturbed, env),
    ),
  );
  try {
    const found = await underLoad({ fleet, database }, plan, options, disturb);
    await fleet.stop();
    const undisturbedState = await leaveAlone(setting, plan);
    const { sent, setbacks, happened } = found;
    const acknowledged = found.acknowledged.length;
    const checks = check({ plan, ...found, undisturbedState });
    return { checks, sent, acknowledged, setbacks, happened };
  } finally {
    await fleet.kill();
    await database.close();
  }
}

function makeFolder(folder: string, name: string): string {
  const own = join(folder, name);
  mkdirSync(own);
  return own;
}

function createGateway(
  { gateway }: Setting,
  { nodeArgs = [], revived = false }: TrialOptions,
  folder: string,
  env: Readonly<Record<string, string>>,
): GatewayProcess {
  return createGatewayProcess({
    args: [...nodeArgs, ...gateway],
    folder,
    env: { ...ENVIRONMENT, ...env },
    revived,
  });
}

async function underLoad(
  { fleet, database }: Pick<Trial, 'fleet' | 'database'>,
  { lanes, posts }: Plan,
  options: TrialOptions,
  disturb: (trial: Trial) => Promise<string>,
) {
  const { sendTo, subscribeTo = (all) => [all], resumes = () => true, lastsMs = 0 } = options;
  await fleet.start();
  const { cursor } = await (await asking(fleet))<{ cursor: string }>('{ cursor }');
  const subscribers = subscribeTo(fleet).map((to, index) =>
    startSubscriber(to, API_KEY, { after: cursor, resumes: resumes(index) }),
  );
  try {
    const sending = startSending(lanes, {
      to: sendTo?.(fleet) ?? fleet,
      connections: CONNECTIONS,
      everyMs: lastsMs / posts,
    });
    const reach = (share: number) => reachCount(sending, share * posts);
    const happened = await disturb({ fleet, database, sending, subscribers, reach });
    await sending.done;

    const ask = await asking(fleet);
    const log = await readLog(ask);
    for (const subscriber of subscribers) await catchUp(subscriber, log.at(-1)?.cursor);
    return {
      happened,
      acknowledged: sending.acknowledged,
      sent: sending.sent,
      setbacks: sending.setbacks,
      kept: await readDeliveries(ask),
      log,
      seen: subscribers.map(({ cursors }) => cursors),
      state: await readState(ask),
    };
  } finally {
    for (const subscriber of subscribers) await subscriber.close();
  }
}

async function reachCount({ acknowledged, done }: Sending, threshold: number): Promise<void> {
  let over = false;
  const end = done.finally(() => {
    over = true;
  });
  while (!over && acknowledged.length < threshold) await Promise.race([end, sleep(1)]);
}

/** Returns after a timeout even if items are missing; the checks report those. */
async function catchUp({ cursors }: Subscriber, last: string | undefined): Promise<void> {
  const patience = performance.now() + PATIENCE_MS;
  while (cursors.at(-1) !== last && performance.now() < patience) await sleep(5);
}

/** Sends each delivery once and in order to a separate, undisturbed gateway on SQLite. */
async function leaveAlone(setting: Setting, plan: Plan): Promise<readonly string[]> {
  const folder = makeFolder(setting.folder, 'undisturbed');
  const database = await createDatabase('sqlite', folder);
  const gateway = createGateway(setting, {}, folder, database.env);
  try {
    await gateway.start();
    await startSending(plan.inOrder, { to: gateway, connections: CONNECTIONS }).done;
    return await readState(await asking(gateway));
  } finally {
    await gateway.kill();
  }
}

async function asking(gateway: { url(): Promise<string> }): Promise<Ask> {
  return createAsk(await gateway.url(), API_KEY);
}

function readDeliveries(ask: Ask): Promise<readonly KeptDelivery[]> {
  return askForAll(ask, 'webhookDeliveries', 'provider rawBody(reason: "drill") duplicates');
}
