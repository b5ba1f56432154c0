/** What the vendors have to say: many stories about many users, with repeats, in lanes that may run side by side. */

import { fractalIdTeller } from '../../src/cli/simulation/fractal-id';
import { p100Teller } from '../../src/cli/simulation/p100';
import { paycaddyTeller } from '../../src/cli/simulation/paycaddy';
import { pickIndex, type Random, shuffle } from '../../src/cli/simulation/random';
import { STORY_NAMES, type Teller } from '../../src/cli/simulation/story';
import { sumsubTeller } from '../../src/cli/simulation/sumsub';
import type { ProviderName } from '../support/sign';

/** One POST. A repeat has the same provider and body. */
export interface Post {
  readonly provider: ProviderName;
  readonly body: string;
}

/** Posts that have to be made one after the other. */
export type Lane = readonly Post[];

export interface Plan {
  /** Out of order, as far as vendors date what they say. */
  readonly lanes: readonly Lane[];
  /** How many posts there are, repeats included. */
  readonly posts: number;
  /** What has to be kept at the end, each as often as it stands here. */
  readonly deliveries: readonly Post[];
  /** The same once each, every user's in the order in which the vendor said it. */
  readonly inOrder: readonly Lane[];
}

export interface Mishaps {
  /** Share of deliveries that come twice. */
  readonly repeated: number;
  /** Share that never comes. */
  readonly dropped: number;
}

export const USUAL_MISHAPS: Mishaps = { repeated: 0.15, dropped: 0 };

const TELLERS: readonly (readonly [ProviderName, Teller])[] = [
  ['fractal-id', fractalIdTeller],
  ['sumsub', sumsubTeller],
  ['paycaddy', paycaddyTeller],
  ['p100', p100Teller],
];
const POSTS_PER_USER = 16;
const ODD = 0.03;
/** All of whose messages bear a clock: elsewhere, what nobody can read is kept again if it comes again after something else. */
const CLOCKED: ReadonlySet<ProviderName> = new Set(['sumsub', 'paycaddy']);
const BEGIN = Date.UTC(2025, 0, 1);
const STORY_GAP_MS = 60_000; // more than the longest story takes

/** A bit more than `atLeast` posts: stories are told to the end. The same numbers make the same plan. */
export function createPlan(atLeast: number, random: Random, mishaps = USUAL_MISHAPS): Plan {
  const undated = createLanes();
  const inOrder = createLanes();
  const lanes: Post[][] = [];
  const deliveries: Post[] = [];
  const users = inventUsers(Math.ceil(atLeast / POSTS_PER_USER), random);
  let posts = 0;

  for (let story = 0; posts < atLeast; story += 1) {
    const user = users[pickIndex(random, users.length)];
    if (user === undefined) throw new Error('expected at least one post');
    const { dated } = user.teller;
    for (const post of tell(user, new Date(BEGIN + story * STORY_GAP_MS), random)) {
      const arrives = random() >= mishaps.dropped;
      const twice = random() < mishaps.repeated;
      if (!arrives) continue;
      const copies = twice ? [post, post] : [post];
      posts += copies.length;
      // With what was said in between dropped, the same words once more are a repeat for all that anybody can tell.
      const news = dated || undated.of(user).at(-1)?.body !== post.body;
      if (news) deliveries.push(post);
      if (news) inOrder.of(user).push(post);
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

/** Without a clock what arrives last is true: such a vendor's words about one user keep their order. */
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
  readonly teller: Teller;
  readonly name: string;
}

/** Some are known to Sumsub and to P100 by the same id of the customer's, and so are one user. */
function inventUsers(count: number, random: Random): readonly User[] {
  return Array.from({ length: count }, () => {
    const name = sumsubTeller.inventUser(random);
    return TELLERS.map(([provider, teller]) => {
      const shared = teller.names === 'externalUserId' && random() < 0.5;
      return { provider, teller, name: shared ? name : teller.inventUser(random) };
    });
  })
    .flat()
    .slice(0, count);
}

function tell({ provider, teller, name }: User, now: Date, random: Random): readonly Post[] {
  const story = STORY_NAMES[pickIndex(random, STORY_NAMES.length)] ?? 'approve';
  const told = (teller.tell(story, name, now) ?? []).map(({ body }) => ({ provider, body }));
  return CLOCKED.has(provider) && random() < ODD ? [...told, odd(provider, name, now)] : told;
}

/** Authentic, and in words that nobody knows: to be kept all the same. */
function odd(provider: ProviderName, name: string, now: Date): Post {
  return { provider, body: JSON.stringify({ news: name, at: now.toISOString() }) };
}
