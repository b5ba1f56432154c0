import { isSilent, toBaseline } from '../../src/domain/monitoring';

const HOUR_MS = 3_600_000;
const RULE = { afterMs: HOUR_MS / 2, floor: 10 };
const LAST = new Date('2024-03-08T14:00:00Z'); // a Friday
const LONG_AGO = new Date('2023-01-01T00:00:00Z');

const hoursLater = (hours: number) => new Date(LAST.getTime() + hours * HOUR_MS);
const daysBefore = (days: number) => new Date(LAST.getTime() - days * 24 * HOUR_MS);

describe('the baseline of a silence', () => {
  it('does not exist before the minimum duration', () => {
    expect(toBaseline({ first: LONG_AGO, last: LAST }, hoursLater(0.49), RULE)).toBeNull();
    expect(toBaseline({ first: LONG_AGO, last: LAST }, hoursLater(0.5), RULE)).not.toBeNull();
  });

  it('does not exist if the clock was set back', () => {
    expect(toBaseline({ first: LONG_AGO, last: LAST }, hoursLater(-5), RULE)).toBeNull();
  });

  it('consists of the same time of the last seven days and four weeks', () => {
    const baseline = toBaseline({ first: LONG_AGO, last: LAST }, hoursLater(3), RULE);
    expect(baseline?.days).toHaveLength(7);
    expect(baseline?.days[0]).toEqual({
      from: new Date('2024-03-07T14:00:00Z'),
      to: new Date('2024-03-07T17:00:00Z'),
    });
    expect(baseline?.weeks.map(({ from }) => from.toISOString().slice(0, 13))).toEqual([
      '2024-03-01T14',
      '2024-02-23T14',
      '2024-02-16T14',
      '2024-02-09T14',
    ]);
  });

  it('never overlaps the silence', () => {
    const baseline = toBaseline({ first: LONG_AGO, last: LAST }, hoursLater(24 * 30), RULE);
    const ends = [...(baseline?.days ?? []), ...(baseline?.weeks ?? [])].map(({ to }) => to);
    expect(ends.every((to) => to <= LAST)).toBe(true);
    expect(ends).toHaveLength(11);
  });

  it('begins with the first delivery of the provider', () => {
    const known = (first: Date) => toBaseline({ first, last: LAST }, hoursLater(1), RULE);
    expect(known(daysBefore(0.5))).toEqual({ days: [], weeks: [] });
    expect(known(daysBefore(2))?.days).toHaveLength(2);
    expect(known(daysBefore(2))?.weeks).toEqual([]);
    expect(known(daysBefore(15))?.weeks).toHaveLength(2);
  });
});

describe('isSilent', () => {
  const week = (...counts: readonly number[]) => counts;

  it.each<[string, readonly number[], readonly number[], boolean]>([
    ['a busy provider', week(10, 10, 10, 10, 10, 10, 10), [10, 10, 10, 10], true],
    [
      'a provider that was silent for three days',
      week(0, 0, 0, 10, 10, 10, 10),
      [10, 10, 0, 10],
      true,
    ],
    ['a provider with few deliveries', week(9, 9, 9, 9, 9, 9, 9), [9, 9, 9, 9], false],
    [
      'a provider that is quiet on Saturdays, on a Saturday',
      week(10, 10, 10, 10, 10, 0, 0),
      [0, 0, 0, 0],
      false,
    ],
    ['a new provider, on a Saturday', week(10, 10), [], true],
    ['a provider with one busy week', week(10, 10, 10, 10, 10, 10, 10), [10, 0, 0, 0], false],
    ['a provider with half of its days busy', week(10, 0, 10, 0), [], false],
    ['a provider without a baseline', [], [], false],
  ])('%s', (_, days, weeks, silent) => {
    expect(isSilent({ days, weeks }, RULE)).toBe(silent);
  });
});
