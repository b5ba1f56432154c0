/** Tests of the duration parser. */

import { parseDurationMs } from '../../src/config/parsers';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

it.each([
  ['P1D', DAY_MS],
  ['P2W', 14 * DAY_MS],
  ['P1M', 30 * DAY_MS],
  ['P1Y', 365 * DAY_MS],
  ['P1Y6M', (365 + 180) * DAY_MS],
  ['P1DT12H', 1.5 * DAY_MS],
  ['PT90M', 1.5 * HOUR_MS],
  ['PT1M1S', 61_000],
  ['P1000Y', 365_000 * DAY_MS],
])('parses %s as %i ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});

it.each(['', 'P', '1D', 'P1', 'P1.5D', 'PT0S', '-P1D', 'P1D2M', 'P1001Y', 'PT', 'P1DT'])(
  'rejects %j',
  (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  },
);
