/**
 * The crash drill: the gateway is killed again and again in the middle of many deliveries, started on what is left, and
 * told once more what it had not acknowledged. In the end nothing may be missing, nothing doubled, nobody may have
 * missed anything, and the state has to be that of a gateway to which nothing ever happened.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random, shuffle } from '../../src/cli/simulation/random';
import { type Check, check, type KeptDelivery } from './checks';
import { createPlan, type Lane, type Plan } from './deliveries';
import { createGatewayProcess, type GatewayProcess } from './gateway-process';
import { readLog } from './log-entries';
import { type Ask, askForAll, createAsk } from './question';
import { API_KEY, ENVIRONMENT } from './secrets';
import { type Sending, startSending } from './sender';
import { readState } from './state';
import { type Subscriber, startSubscriber } from './subscriber';

export interface DrillOptions {
  /** What Node has to run for a gateway, `start` included. */
  readonly gateway: readonly string[];
  /** Empty; the two gateways of the drill keep their data below it. */
  readonly folder: string;
  readonly posts: number;
  readonly connections: number;
  /** How often the gateway is killed. */
  readonly kills: number;
  /** Decides what is sent and when it is killed, though not what the machine makes of that. */
  readonly seed: number;
}

export interface DrillReport {
  readonly checks: readonly Check[];
  readonly kills: readonly Kill[];
  /** How often the subscriber was connected: once, and again after every cut and every kill. */
  readonly connections: number;
}

export interface Kill {
  /** Posts acknowledged up to then. */
  readonly acknowledged: number;
  /** Posts without an answer at that moment. */
  readonly underWay: number;
  /** Until it listened again. */
  readonly downMs: number;
}

/** About what a group of deliveries takes to commit. */
const UNDER_WAY_MS = 15;
const PATIENCE_MS = 60_000;

/** Ends both gateways, whatever happens. @throws {Error} if the drill could not be held. */
export async function runCrashDrill(options: DrillOptions): Promise<DrillReport> {
  const random = createRandom(options.seed);
  const plan = createPlan(options.posts, random);
  const killed = createGateway(options, 'killed');
  const undisturbed = createGateway(options, 'undisturbed');
  try {
    const { kills, connections, ...found } = await disturb(killed, plan, options, random);
    await killed.stop();
    const undisturbedState = await leaveAlone(undisturbed, plan, options, random);
    return { checks: check({ plan, ...found, undisturbedState }), kills, connections };
  } finally {
    await killed.kill();
    await undisturbed.kill();
  }
}

function createGateway({ gateway, folder }: DrillOptions, name: string): GatewayProcess {
  const own = join(folder, name);
  mkdirSync(own);
  return createGatewayProcess({ args: gateway, folder: own, env: ENVIRONMENT });
}

async function disturb(
  gateway: GatewayProcess,
  { lanes, posts }: Plan,
  options: DrillOptions,
  random: Random,
) {
  await gateway.start();
  const { cursor } = await (await asking(gateway))<{ cursor: string }>('{ cursor }');
  const subscriber = startSubscriber(gateway, API_KEY, cursor);
  try {
    const sending = startSending(lanes, gateway, options.connections);
    const kills: Kill[] = [];
    for (const [cut, kill] of marks(posts, options.kills, random)) {
      await reach(sending, cut);
      subscriber.cut();
      await reach(sending, kill);
      await sleep(random() * UNDER_WAY_MS); // so that it is hit anywhere between two commits
      kills.push(await killAndRestart(gateway, sending));
    }
    await sending.done;

    const ask = await asking(gateway);
    const log = await readLog(ask);
    await catchUp(subscriber, log.at(-1)?.cursor);
    return {
      kills,
      connections: subscriber.connections,
      acknowledged: sending.acknowledged,
      sent: sending.sent,
      kept: await readDeliveries(ask),
      log,
      seen: subscriber.cursors,
      state: await readState(ask),
    };
  } finally {
    await subscriber.close();
  }
}

/** The same deliveries in another order, and nothing else. */
async function leaveAlone(
  gateway: GatewayProcess,
  { lanes }: Plan,
  { connections }: DrillOptions,
  random: Random,
): Promise<readonly string[]> {
  await gateway.start();
  const inOtherOrder: readonly Lane[] = shuffle(lanes, random);
  await startSending(inOtherOrder, gateway, connections).done;
  const state = await readState(await asking(gateway));
  await gateway.stop();
  return state;
}

async function asking(gateway: GatewayProcess): Promise<Ask> {
  return createAsk(await gateway.url(), API_KEY);
}

/** At how many acknowledged posts to cut the subscriber off and then to kill, for each part of the whole. */
function marks(
  posts: number,
  kills: number,
  random: Random,
): readonly (readonly [cut: number, kill: number])[] {
  const part = posts / kills;
  return Array.from({ length: kills }, (_, index) => {
    const begin = index * part;
    return [begin + random() * 0.4 * part, begin + (0.4 + random() * 0.4) * part];
  });
}

async function reach({ acknowledged, done }: Sending, threshold: number): Promise<void> {
  let over = false;
  const end = done.finally(() => {
    over = true;
  });
  while (!over && acknowledged.length < threshold) await Promise.race([end, sleep(1)]);
}

async function killAndRestart(gateway: GatewayProcess, sending: Sending): Promise<Kill> {
  const { underWay } = sending;
  const acknowledged = sending.acknowledged.length;
  const killedAt = performance.now();
  await gateway.kill();
  await gateway.start();
  return { acknowledged, underWay, downMs: Math.round(performance.now() - killedAt) };
}

/** Gives up after a while: that something is missing is for the checks to say. */
async function catchUp({ cursors }: Subscriber, last: string | undefined): Promise<void> {
  const patience = performance.now() + PATIENCE_MS;
  while (cursors.at(-1) !== last && performance.now() < patience) await sleep(5);
}

function readDeliveries(ask: Ask): Promise<readonly KeptDelivery[]> {
  return askForAll(ask, 'webhookDeliveries', 'provider rawBody duplicates');
}
