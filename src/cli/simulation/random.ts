/** Reproducible random values. */

/** Returns the next number from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;

/** Creates a Mulberry32 generator. The same seed gives the same numbers on every platform. Not for secrets. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a whole number from 0 to `below` - 1. */
export function randomIndex(random: Random, below: number): number {
  return Math.floor(random() * below);
}

export function randomHex(random: Random, count: number): string {
  return Array.from({ length: count }, () => randomIndex(random, 16).toString(16)).join('');
}

/** Returns a UUID of version 4. */
export function randomUuid(random: Random): string {
  const [a, b, c, d] = [
    randomHex(random, 8),
    randomHex(random, 4),
    randomHex(random, 3),
    randomHex(random, 3),
  ];
  return `${a}-${b}-4${c}-a${d}-${randomHex(random, 12)}`;
}

/** Returns the items in random order. */
export function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  const keyed = items.map((item) => ({ item, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
