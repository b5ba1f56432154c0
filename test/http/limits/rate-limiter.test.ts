import { createRateLimiter } from '../../../src/http/limits/rate-limiter';

it('allows a burst, then the configured rate, separately for each key', () => {
  let now = 0;
  const rate = createRateLimiter({ burst: 2, perSecond: 4, now: () => now });
  const taken = () => rate.take('a');

  expect([taken(), taken(), taken()]).toEqual([0, 0, 250]);
  expect(rate.take('b')).toBe(0);
  now = 125;
  expect(taken()).toBe(125);
  now = 250;
  expect([taken(), taken()]).toEqual([0, 250]);
  now = 60_000;
  expect([taken(), taken(), taken()]).toEqual([0, 0, 250]);
});

it('evicts the least recently used key', () => {
  const rate = createRateLimiter({ burst: 1, perSecond: 1, now: () => 0 });
  rate.take('first');
  for (let index = 0; index < 10_000; index += 1) rate.take(`other ${index}`);
  expect(rate.take('first')).toBe(0);
  expect(rate.take('other 9999')).toBe(1000);
});

// Regression: a blocked key was evicted, and therefore unblocked, after 10,001 other keys.
it('keeps a blocked key blocked while many keys with more tokens are used', () => {
  let now = 0;
  const rate = createRateLimiter({ burst: 3, perSecond: 1, now: () => now });
  for (let index = 0; index < 4; index += 1) rate.take('blocked');
  for (let index = 0; index < 30_000; index += 1) rate.take(`other ${index}`);
  expect(rate.take('blocked')).toBe(1000);
  now = 5_000;
  for (let index = 30_000; index < 60_000; index += 1) rate.take(`other ${index}`);
  expect(rate.take('blocked')).toBe(0);
});
