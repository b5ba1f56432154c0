import { addToDate } from '../../../src/store/erasure/legal-holds';

it.each([
  ['2024-01-01T00:00:03.500Z', 'P5Y', '2029-01-01T00:00:03.500Z'],
  ['2024-02-29T12:00:00.000Z', 'P5Y', '2029-02-28T12:00:00.000Z'],
  ['2024-08-31T00:00:00.000Z', 'P1M', '2024-09-30T00:00:00.000Z'],
  ['2024-12-31T23:00:00.000Z', 'P1DT2H', '2025-01-02T01:00:00.000Z'],
])('%s and %s is %s', (from, duration, until) => {
  expect(addToDate(new Date(from), duration).toISOString()).toBe(until);
});
