/** Restores the database to an earlier moment. Every subscriber continues exactly or receives an error. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Check, differences } from './trial/checks';
import { createPlan, type Lane, USUAL_MISHAPS } from './trial/deliveries';
import type { Drill } from './trial/drill';
import { createDatabase, type Database } from './trial/engine';
import { createFleet, type Fleet } from './trial/fleet';
import { createGatewayProcess } from './trial/gateway-process';
import { breaksIn, gapsIn, readLog } from './trial/log-entries';
import { createAsk } from './trial/query';
import { API_KEY, ENVIRONMENT } from './trial/secrets';
import { type Sending, startSending } from './trial/sender';
import { type Subscriber, type SubscriberOptions, startSubscriber } from './trial/subscriber';
import type { Report, Setting } from './trial/trial';

const CONNECTIONS = 32;
const PATIENCE_MS = 60_000;
/** Parts of what is sent in one cycle: before the copy, after it and so lost, and after the restore. */
const PARTS = [0.3, 0.2, 0.5];

export const restoredEarlier: Drill = {
  name: 'restored-earlier',
  about: 'the database put back to an earlier moment; PostgreSQL under gateways that keep running',
  engines: ['sqlite', 'postgres'],
  cycles: 3,
  postsPerCycle: 600,
  async hold(setting) {
    const { engine, gateway, cycles, posts, random } = setting;
    const folder = join(setting.folder, 'restored');
    mkdirSync(folder);
    const database = await createDatabase(engine, folder);
    const env = { ...ENVIRONMENT, ...database.env };
    const fleet = createFleet(
      Array.from({ length: engine === 'sqlite' ? 1 : 2 }, () =>
        createGatewayProcess({ args: gateway, folder, env }),
      ),
    );
    try {
      await fleet.start();
      const { lanes } = createPlan(posts, random, { ...USUAL_MISHAPS, repeated: 0 });
      const reports: Report[] = [];
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        const own = lanes.filter((_, index) => index % cycles === cycle);
        reports.push(await restoreOnce({ setting, database, fleet }, own));
      }
      return sumOf(reports);
    } finally {
      await fleet.kill();
      await database.close();
    }
  },
};

interface Scene {
  readonly setting: Setting;
  readonly database: Database;
  readonly fleet: Fleet;
}

async function restoreOnce(scene: Scene, lanes: readonly Lane[]): Promise<Report> {
  const { fleet, database } = scene;
  const sendings: Sending[] = [];
  const subscribers: Subscriber[] = [];
  const send = async (part: readonly Lane[]) => {
    const sending = startSending(part, { to: fleet, connections: CONNECTIONS });
    sendings.push(sending);
    await sending.done;
  };
  const subscribe = (options: SubscriberOptions, to: { url(): Promise<string> } = fleet) => {
    const subscriber = startSubscriber(to, API_KEY, options);
    subscribers.push(subscriber);
    return subscriber;
  };
  const [before, lostPart, after] = partsOf(lanes);

  try {
    const begin = await headOf(fleet);
    await send(before);
    const held = await headOf(fleet);
    await stopped(scene, () => database.copy());
    const attached = fleet.gateways.map((gateway) => subscribe({ after: begin }, gateway));
    // On SQLite the gateway has to be stopped. A client that does not resume would then begin again at `begin`.
    if (scene.setting.engine === 'postgres') {
      for (const gateway of fleet.gateways) {
        attached.push(subscribe({ after: begin, resumes: false }, gateway));
      }
    }
    await send(lostPart);
    const lost = await headOf(fleet);
    const lostLog = await logAfter(fleet, begin);
    for (const subscriber of attached) await caughtUp(subscriber, lostLog);

    await stopped(scene, () => database.goBack());
    const early = fleet.gateways.map((gateway) => subscribe({ after: lost }, gateway));
    const continuing = fleet.gateways.map((gateway) => subscribe({ after: held }, gateway));
    await send(after);
    const late = fleet.gateways.map((gateway) => subscribe({ after: lost }, gateway));
    const log = await logAfter(fleet, held);
    for (const subscriber of continuing) await caughtUp(subscriber, log);
    const refused = [...attached, ...early, ...late];
    for (const subscriber of refused) await refusalOf(subscriber);

    const checks = [
      ...refused.map((subscriber, index) =>
        none(`subscriber ${index + 1}: not told`, subscriber.refusal === 'CURSOR_INVALID' ? 0 : 1),
      ),
      ...attached.map(({ cursors }, index) =>
        none(
          `subscriber ${index + 1}: not seen once and in order before that`,
          differences(lostLog, cursors.slice(0, lostLog.length)),
        ),
      ),
      ...refused.map(({ cursors }, index) =>
        none(
          `subscriber ${index + 1}: entries after that`,
          cursors.length - 1 - (index < attached.length ? lostLog.length : 0),
        ),
      ),
      ...continuing.map(({ cursors }, index) =>
        none(
          `continuing subscriber ${index + 1}: not seen once and in order`,
          differences(log, cursors),
        ),
      ),
    ];
    const entries = await readLog(createAsk(await fleet.url(), API_KEY));
    return {
      checks: [
        ...checks,
        { fault: 'GAP', what: 'gaps in the log', found: gapsIn(entries).length, expected: 0 },
        {
          fault: 'TWICE',
          what: 'log entries that do not follow',
          found: breaksIn(entries).length,
          expected: 0,
        },
      ],
      ...sumOfSendings(sendings),
      happened: '',
    };
  } finally {
    for (const subscriber of subscribers) await subscriber.close();
  }
}

function none(what: string, found: number): Check {
  return { fault: 'STREAM', what, found, expected: 0 };
}

function partsOf(lanes: readonly Lane[]): readonly [Lane[], Lane[], Lane[]] {
  const [first = 0, second = 0] = PARTS.map((share) => Math.ceil(share * lanes.length));
  return [lanes.slice(0, first), lanes.slice(first, first + second), lanes.slice(first + second)];
}

/** PostgreSQL stops by itself, under gateways that keep running. SQLite is a file that gateways hold open. */
async function stopped({ setting, fleet }: Scene, work: () => Promise<void>): Promise<void> {
  if (setting.engine === 'sqlite') await fleet.stop();
  await work();
  if (setting.engine === 'sqlite') await fleet.start();
}

/** Asks until it is answered: connections to the database may be lost. */
async function headOf(fleet: Fleet): Promise<string> {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    try {
      const ask = createAsk(await fleet.url(), API_KEY);
      return (await ask<{ cursor: string }>('{ cursor }')).cursor;
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(50);
    }
  }
}

async function logAfter(fleet: Fleet, cursor: string): Promise<readonly string[]> {
  const cursors = (await readLog(createAsk(await fleet.url(), API_KEY))).map((each) => each.cursor);
  return cursors.slice(cursors.indexOf(cursor) + 1);
}

/** Gives up after a while: the checks report what is missing. */
async function caughtUp({ cursors }: Subscriber, log: readonly string[]): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (cursors.at(-1) !== log.at(-1) && performance.now() < end) await sleep(5);
}

async function refusalOf(subscriber: Subscriber): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (subscriber.refusal === null && performance.now() < end) await sleep(5);
}

function sumOfSendings(
  sendings: readonly Sending[],
): Pick<Report, 'sent' | 'acknowledged' | 'setbacks'> {
  return {
    sent: sum(sendings.map(({ sent }) => sent)),
    acknowledged: sum(sendings.map(({ acknowledged }) => acknowledged.length)),
    setbacks: setbacksOf(sendings),
  };
}

function sumOf(reports: readonly Report[]): Report {
  return {
    checks: reports.flatMap(({ checks }) => checks),
    sent: sum(reports.map(({ sent }) => sent)),
    acknowledged: sum(reports.map(({ acknowledged }) => acknowledged)),
    setbacks: setbacksOf(reports),
    happened: `${reports.length} restores`,
  };
}

function setbacksOf(all: readonly Pick<Report, 'setbacks'>[]): Report['setbacks'] {
  const count = (setback: keyof Report['setbacks']) =>
    sum(all.map(({ setbacks }) => setbacks[setback]));
  return {
    UNAVAILABLE: count('UNAVAILABLE'),
    BARE: count('BARE'),
    REFUSED_CONNECTION: count('REFUSED_CONNECTION'),
    BROKEN_CONNECTION: count('BROKEN_CONNECTION'),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
