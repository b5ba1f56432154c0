/**
 * What all drills share: gateways under load, somebody who subscribes, something that happens to them, and the evidence in
 * the end. Nothing may be missing, nothing doubled, nobody may have missed anything, and the state has to be that of a
 * gateway to which nothing ever happened.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/cli/simulation/random';
import { type Check, check, type KeptDelivery } from './checks';
import { createPlan, type Mishaps, type Plan, USUAL_MISHAPS } from './deliveries';
import { createDatabase, type Database, type Engine } from './engine';
import { createFleet, type Fleet } from './fleet';
import { createGatewayProcess, type GatewayProcess } from './gateway-process';
import { readLog } from './log-entries';
import { type Ask, askForAll, createAsk } from './question';
import { API_KEY, ENVIRONMENT } from './secrets';
import { type Sending, startSending } from './sender';
import { readState } from './state';
import { type Subscriber, startSubscriber } from './subscriber';

/** What whoever runs the drills chooses. */
export interface Setting {
  readonly engine: Engine;
  /** What Node has to run for a gateway, `start` included. */
  readonly gateway: readonly string[];
  /** Empty; all data is kept below it. */
  readonly folder: string;
  /** At least. */
  readonly posts: number;
  /** How often whatever happens happens. */
  readonly cycles: number;
  /** For how long something is gone that is gone for a while. */
  readonly awayMs: number;
  /** Decides what is sent and when something happens, though not what the machine makes of that. */
  readonly random: Random;
}

export interface Report {
  readonly checks: readonly Check[];
  readonly sent: number;
  readonly acknowledged: number;
  readonly setbacks: Sending['setbacks'];
  /** What happened, for people. */
  readonly happened: string;
}

/** What one drill wants to be otherwise. */
export interface TrialOptions {
  /** How many there are. */
  readonly gateways?: number;
  /** See `GatewayCommand.revived`. */
  readonly revived?: boolean;
  /** Where their data is, if not in the folder of the drill. */
  readonly dataDir?: string;
  /** For Node, before what it has to run. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly mishaps?: Partial<Mishaps>;
  /** To which gateways posts go, and for each subscriber to which it connects; by default to each in turn. */
  readonly sendTo?: (fleet: Fleet) => { url(): Promise<string> };
  readonly subscribeTo?: (fleet: Fleet) => readonly { url(): Promise<string> }[];
  /** Whether the subscriber with this number resumes when its connection breaks. Default: all do. */
  readonly resumes?: (subscriber: number) => boolean;
  /** How long it takes to send all, at least. */
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
 * Ends all that it has started, whatever happens.
 *
 * @param disturb - What happens; answers what did, for people.
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

/** Gives up after a while: that something is missing is for the checks to say. */
async function catchUp({ cursors }: Subscriber, last: string | undefined): Promise<void> {
  const patience = performance.now() + PATIENCE_MS;
  while (cursors.at(-1) !== last && performance.now() < patience) await sleep(5);
}

/** The same deliveries as the vendors said them, each once, to a gateway of its own on SQLite, and nothing else. */
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
