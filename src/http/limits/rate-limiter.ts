/** Token buckets by key, in bounded memory. */

import { RateLimitedError } from '../../domain/errors';

export interface RateLimiter {
  /** Takes a token. Returns 0 if there was one, else the time until the next one in milliseconds. */
  take(key: string): number;
  /** Takes a token. @throws {RateLimitedError} If the bucket is empty. */
  assertLeft(key: string): void;
}

/** Monotonic clock, in milliseconds. */
export type Monotonic = () => number;

export interface RateLimit {
  readonly perSecond: number;
  /** Capacity of the bucket. Default: the tokens of ten seconds. */
  readonly burst?: number;
}

export interface RateLimiterOptions extends RateLimit {
  readonly now: Monotonic;
}

export interface Bucket {
  tokens: number;
  /** Time at which `tokens` was computed. */
  at: number;
}

/** Buckets in each of the two generations. */
const MAX_KEYS = 5_000;

const BURST_SECONDS = 10;

export function fullBucket(rule: RateLimit, at: number): Bucket {
  return { tokens: getBurst(rule), at };
}

/** Takes a token. Returns 0 if there was one, else the time until the next one in milliseconds. */
export function takeFrom(bucket: Bucket, rule: RateLimit, at: number): number {
  const { perSecond } = rule;
  const refilled = ((at - bucket.at) / 1000) * perSecond;
  bucket.tokens = Math.min(getBurst(rule), bucket.tokens + refilled);
  bucket.at = at;
  if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1000);
  bucket.tokens -= 1;
  return 0;
}

function getBurst({ perSecond, burst = perSecond * BURST_SECONDS }: RateLimit): number {
  return burst;
}

/**
 * Buckets are kept in two generations, so that eviction is cheap even if every request comes from a new address. When the
 * recent generation is full, the 5,000 buckets with the fewest tokens survive. A blocked key therefore stays blocked unless
 * 5,000 other keys have fewer tokens.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { now } = options;
  let recent = new Map<string, Bucket>();
  let older = new Map<string, Bucket>();

  function getBucket(key: string, at: number): Bucket {
    const known = recent.get(key);
    if (known !== undefined) return known;
    const bucket = older.get(key) ?? fullBucket(options, at);
    if (recent.size >= MAX_KEYS) {
      older = selectEmptiest([...recent, ...older], at);
      recent = new Map();
    }
    recent.set(key, bucket);
    return bucket;
  }

  function selectEmptiest(buckets: readonly (readonly [string, Bucket])[], at: number) {
    const tokensAt = ([, bucket]: readonly [string, Bucket]) =>
      bucket.tokens + ((at - bucket.at) / 1000) * options.perSecond;
    return new Map(buckets.toSorted((a, b) => tokensAt(a) - tokensAt(b)).slice(0, MAX_KEYS));
  }

  function take(key: string): number {
    const at = now();
    return takeFrom(getBucket(key, at), options, at);
  }

  return {
    take,
    assertLeft(key) {
      const waitMs = take(key);
      if (waitMs > 0) throw new RateLimitedError(Math.ceil(waitMs / 1000));
    },
  };
}
