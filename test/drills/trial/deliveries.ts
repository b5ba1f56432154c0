/** Deliveries of a drill: scenarios of many users, with duplicates, in lanes that run in parallel. */

import { fractalIdSimulator } from '../../../src/cli/simulation/fractal-id';
import { p100Simulator } from '../../../src/cli/simulation/p100';
import { paycaddySimulator } from '../../../src/cli/simulation/paycaddy';
import { type Random, randomIndex, shuffle } from '../../../src/cli/simulation/random';
import { type ProviderSimulator, SCENARIO_NAMES } from '../../../src/cli/simulation/scenario';
import { sumsubSimulator } from '../../../src/cli/simulation/sumsub';
import type { ProviderName } from '../../support/sign';

/** One POST. A repeat has the same provider and body. */
export interface Post {
  readonly provider: ProviderName;
  readonly body: string;
}

/** Posts that have to be made one after the other. */
export type Lane = readonly Post[];

export interface Plan {
  /** Out of order where the provider sends timestamps. */
  readonly lanes: readonly Lane[];
  /** Number of posts, duplicates included. */
  readonly posts: number;
  /** Deliveries that the gateway must have stored at the end, with multiplicity. */
  readonly deliveries: readonly Post[];
  /** Each delivery once, per user in the order in which the provider sent it. */
  readonly inOrder: readonly Lane[];
}

export interface Mishaps {
  /** Share of deliveries that come twice. */
  readonly repeated: number;
  /** Share that never comes. */
  readonly dropped: number;
}

export const USUAL_MISHAPS: Mishaps = { repeated: 0.15, dropped: 0 };

const TELLERS: readonly (readonly [ProviderName, ProviderSimulator])[] = [
  ['fractal-id', fractalIdSimulator],
  ['sumsub', sumsubSimulator],
  ['paycaddy', paycaddySimulator],
  ['p100', p100Simulator],
];
const POSTS_PER_USER = 16;
const ODD = 0.03;
/** Providers whose messages all have a timestamp. For others, an unreadable message that arrives again after a different one is stored again. */
const CLOCKED: ReadonlySet<ProviderName> = new Set(['sumsub', 'paycaddy']);
const BEGIN = Date.UTC(2025, 0, 1);
const STORY_GAP_MS = 60_000; // more than the longest story takes

/** Creates a plan with at least `atLeast` posts, because scenarios are complete. Equal arguments yield equal plans. */
export function createPlan(atLeast: number, random: Random, mishaps = USUAL_MISHAPS): Plan {
  const undated = createLanes();
  const inOrder = createLanes();
  const lanes: Post[][] = [];
  const deliveries: Post[] = [];
  const users = inventUsers(Math.ceil(atLeast / POSTS_PER_USER), random);
  let posts = 0;

  for (let story = 0; posts < atLeast; story += 1) {
    const user = users[randomIndex(random, users.length)];
    if (user === undefined) throw new Error('expected at least one post');
    const { dated } = user.teller;
    for (const post of tell(user, new Date(BEGIN + story * STORY_GAP_MS), random)) {
      const arrives = random() >= mishaps.dropped;
      const twice = random() < mishaps.repeated;
      if (!arrives) continue;
      const copies = twice ? [post, post] : [post];
      posts += copies.length;
      // If the message in between was dropped, an equal message is indistinguishable from a duplicate.
      const isNew = dated || undated.of(user).at(-1)?.body !== post.body;
      if (isNew) deliveries.push(post);
      if (isNew) inOrder.of(user).push(post);
      if (dated) lanes.push(...copies.map((copy) => [copy]));
      else undated.of(user).push(...copies);
    }
  }
  return {
    lanes: shuffle([...lanes, ...undated.all()], random),
    posts,
    deliveries,
    inOrder: [...inOrder.all()],
  };
}

/** Without timestamps the last arrival wins, so the posts of one user keep their order. */
function createLanes() {
  const lanes = new Map<string, Post[]>();
  return {
    all: () => lanes.values(),
    of({ provider, name }: User): Post[] {
      const key = `${provider} ${name}`;
      const lane = lanes.get(key) ?? [];
      lanes.set(key, lane);
      return lane;
    },
  };
}

interface User {
  readonly provider: ProviderName;
  readonly teller: ProviderSimulator;
  readonly name: string;
}

/** Some are known to Sumsub and to P100 by the same id of the customer's, and so are one user. */
function inventUsers(count: number, random: Random): readonly User[] {
  return Array.from({ length: count }, () => {
    const name = sumsubSimulator.createUserId(random);
    return TELLERS.map(([provider, teller]) => {
      const shared = teller.identifiedBy === 'externalUserId' && random() < 0.5;
      return { provider, teller, name: shared ? name : teller.createUserId(random) };
    });
  })
    .flat()
    .slice(0, count);
}

function tell({ provider, teller, name }: User, now: Date, random: Random): readonly Post[] {
  const story = SCENARIO_NAMES[randomIndex(random, SCENARIO_NAMES.length)] ?? 'approve';
  const told = (teller.createWebhooks(story, name, now) ?? []).map(({ body }) => ({
    provider,
    body,
  }));
  return CLOCKED.has(provider) && random() < ODD ? [...told, odd(provider, name, now)] : told;
}

/** An authentic delivery of an unknown type. The gateway must store it. */
function odd(provider: ProviderName, name: string, now: Date): Post {
  return { provider, body: JSON.stringify({ unknown: name, at: now.toISOString() }) };
}
