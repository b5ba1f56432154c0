/** Token buckets by key: so many at once, so many a second after that. In memory, and in bounded memory. */

import { RateLimitedError } from '../../domain/errors';

export interface RateLimiter {
  /** Takes one. @returns milliseconds until there is one again; 0: it was there. */
  take(key: string): number;
  /** Takes one. @throws {RateLimitedError} where there is none. */
  assertLeft(key: string): void;
}

/** Milliseconds on a clock that never goes back. */
export type Monotonic = () => number;

export interface RateLimit {
  readonly perSecond: number;
  /** At once; left out, what gathers in ten seconds. */
  readonly burst?: number;
}

export interface RateLimiterOptions extends RateLimit {
  readonly now: Monotonic;
}

/** What is left for one who asks. */
export interface Bucket {
  left: number;
  at: number;
}

/** Of either generation. When a generation is full, the keys with the most tokens left are forgotten first. */
const MAX_KEYS = 5_000;

const BURST_SECONDS = 10;

export function fullBucket(rule: RateLimit, at: number): Bucket {
  return { left: burstOf(rule), at };
}

/** Takes one. @returns milliseconds until there is one again; 0: it was there. */
export function takeFrom(bucket: Bucket, rule: RateLimit, at: number): number {
  const { perSecond } = rule;
  const gathered = ((at - bucket.at) / 1000) * perSecond;
  bucket.left = Math.min(burstOf(rule), bucket.left + gathered);
  bucket.at = at;
  if (bucket.left < 1) return Math.ceil(((1 - bucket.left) / perSecond) * 1000);
  bucket.left -= 1;
  return 0;
}

function burstOf({ perSecond, burst = perSecond * BURST_SECONDS }: RateLimit): number {
  return burst;
}

/**
 * Kept in two generations, so that forgetting is cheap: a flood from ever new addresses must not be expensive. A key that is
 * blocked stays known: to have it forgotten, 5,000 others must be more blocked.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { now } = options;
  let recent = new Map<string, Bucket>();
  let older = new Map<string, Bucket>();

  function bucketOf(key: string, at: number): Bucket {
    const known = recent.get(key);
    if (known !== undefined) return known;
    const bucket = older.get(key) ?? fullBucket(options, at);
    if (recent.size >= MAX_KEYS) {
      older = mostBlocked([...recent, ...older], at);
      recent = new Map();
    }
    recent.set(key, bucket);
    return bucket;
  }

  function mostBlocked(buckets: readonly (readonly [string, Bucket])[], at: number) {
    const leftOf = ([, { left, at: since }]: readonly [string, Bucket]) =>
      left + ((at - since) / 1000) * options.perSecond;
    return new Map(buckets.toSorted((a, b) => leftOf(a) - leftOf(b)).slice(0, MAX_KEYS));
  }

  function take(key: string): number {
    const at = now();
    return takeFrom(bucketOf(key, at), options, at);
  }

  return {
    take,
    assertLeft(key) {
      const waitMs = take(key);
      if (waitMs > 0) throw new RateLimitedError(Math.ceil(waitMs / 1000));
    },
  };
}
