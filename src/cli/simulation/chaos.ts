/** What goes wrong on the way from a vendor to us: mixed order, repeats, and what somebody else made up. */

import { pickIndex, type Random, shuffle } from './random';
import type { Teller, Telling } from './story';

export interface Chaos {
  readonly shuffle: boolean;
  readonly duplicate: boolean;
  readonly corrupt: boolean;
}

/** One request to be sent. */
export interface Post {
  readonly user: string;
  readonly telling: Telling;
  /** How it was spoilt; absent: as the vendor sends it. */
  readonly spoilt?: 'BODY' | 'SECRET';
}

/** Requests that have to be sent one after the other; lanes may run side by side. */
export type Lane = readonly Post[];

const MOST_COPIES = 3;

/** @param stories - What the vendor tells, by user, in order. */
export function arrange(
  teller: Teller,
  stories: ReadonlyMap<string, readonly Telling[]>,
  chaos: Chaos,
  random: Random,
): readonly Lane[] {
  const lanes = [...stories].map(([user, tellings]) => {
    return tellings.flatMap((telling) => postsOf(teller, { user, telling }, chaos, random));
  });
  return chaos.shuffle ? shuffle(lanes.flat(), random).map((post) => [post]) : lanes;
}

function postsOf(teller: Teller, post: Post, chaos: Chaos, random: Random): readonly Post[] {
  const copies = chaos.duplicate ? 1 + pickIndex(random, MOST_COPIES) : 1;
  const genuine = Array.from({ length: copies }, () => post);
  return chaos.corrupt ? [{ ...post, spoilt: spoil(teller, random) }, ...genuine] : genuine;
}

/** Where only a secret is shown, a changed body cannot be told from a genuine one. */
function spoil({ trust }: Teller, random: Random): 'BODY' | 'SECRET' {
  return trust === 'SIGNED' && random() < 0.5 ? 'BODY' : 'SECRET';
}
