import { createRateLimiter } from '../../../src/http/limits/rate-limiter';

it('gives a burst, then as many a second, to each key by itself', () => {
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

it('forgets the key that was used longest ago', () => {
  const rate = createRateLimiter({ burst: 1, perSecond: 1, now: () => 0 });
  rate.take('first');
  for (let index = 0; index < 10_000; index += 1) rate.take(`other ${index}`);
  expect(rate.take('first')).toBe(0);
  expect(rate.take('other 9999')).toBe(1000);
});

// Regression: a key was forgotten, and so let in again, once 10,001 others had been used.
it('keeps a blocked key blocked, however many others are used less', () => {
  let now = 0;
  const rate = createRateLimiter({ burst: 3, perSecond: 1, now: () => now });
  for (let index = 0; index < 4; index += 1) rate.take('blocked');
  for (let index = 0; index < 30_000; index += 1) rate.take(`other ${index}`);
  expect(rate.take('blocked')).toBe(1000);
  now = 5_000;
  for (let index = 30_000; index < 60_000; index += 1) rate.take(`other ${index}`);
  expect(rate.take('blocked')).toBe(0);
});
