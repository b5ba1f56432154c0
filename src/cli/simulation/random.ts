/** Chance that can be repeated. */

/** The next number, from 0 to just under 1. */
export type Random = () => number;

/** Mulberry32: small, and the same everywhere for the same seed. Not for secrets. */
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

/** A whole number from 0 to `below` - 1. */
export function pickIndex(random: Random, below: number): number {
  return Math.floor(random() * below);
}

export function hexDigits(random: Random, count: number): string {
  return Array.from({ length: count }, () => pickIndex(random, 16).toString(16)).join('');
}

/** Looks like a random UUID. */
export function inventUuid(random: Random): string {
  const [a, b, c, d] = [
    hexDigits(random, 8),
    hexDigits(random, 4),
    hexDigits(random, 3),
    hexDigits(random, 3),
  ];
  return `${a}-${b}-4${c}-a${d}-${hexDigits(random, 12)}`;
}

/** All of `items`, every order equally likely. */
export function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  const drawn = items.map((item) => ({ item, lot: random() }));
  return drawn.sort((a, b) => a.lot - b.lot).map(({ item }) => item);
}
