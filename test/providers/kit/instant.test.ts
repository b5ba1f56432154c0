import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { toInstant } from '../../../src/providers/kit/instant';

describe('toInstant', () => {
  it.each([
    ['2020-04-02T13:35:35Z', '2020-04-02T13:35:35.000000000Z'],
    ['2023-03-16T09:42:18.8338086Z', '2023-03-16T09:42:18.833808600Z'],
    ['2023-03-16T09:42:18.123456789Z', '2023-03-16T09:42:18.123456789Z'],
    ['2023-03-16T09:42:18.5Z', '2023-03-16T09:42:18.500000000Z'],
    ['2023-03-16 09:42:18Z', '2023-03-16T09:42:18.000000000Z'],
    ['2023-03-14 12:50:27+0000', '2023-03-14T12:50:27.000000000Z'],
    ['2023-03-14 12:50:27+00:00', '2023-03-14T12:50:27.000000000Z'],
    ['2023-03-14T00:30:00.25+02:00', '2023-03-13T22:30:00.250000000Z'],
    ['2023-12-31T20:00:00-0530', '2024-01-01T01:30:00.000000000Z'],
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000000000Z'],
    ['2023-01-01T23:59Z', '2023-01-01T23:59:00.000000000Z'],
    ['2023-01-01T00:00:00,5z', '2023-01-01T00:00:00.500000000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000000000Z'],
    ['9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999999999Z'],
  ])('parses %s as %s', (text, instant) => {
    expect(toInstant(text)).toBe(instant);
  });

  it('parses a time without a zone only with a default zone', () => {
    expect(toInstant('2020-02-21 13:23:19.002')).toBeUndefined();
    expect(toInstant('2020-02-21 13:23:19.002', { zoneless: 'UTC' })).toBe(
      '2020-02-21T13:23:19.002000000Z',
    );
  });

  it('prefers an explicit zone over the default zone', () => {
    expect(toInstant('2020-02-21 13:23:19+0100', { zoneless: 'UTC' })).toBe(
      '2020-02-21T12:23:19.000000000Z',
    );
  });

  it('rejects ten decimals, because truncation would make two instants equal', () => {
    expect(toInstant('2023-03-16T09:42:18.1234567891Z')).toBeUndefined();
  });

  it.each([
    'ISO 8601 format timestamp',
    '',
    'null',
    '2023-02-29T00:00:00Z',
    '2023-02-30T00:00:00Z',
    '2023-04-31T00:00:00Z',
    '2023-13-01T00:00:00Z',
    '2023-00-10T00:00:00Z',
    '2023-01-01T24:00:00Z',
    '2023-01-01T23:60:00Z',
    '2023-01-01',
    '2023-01-01T00:00:00.Z',
    '2023-01-01T00:00:00+24:00',
    '2023-01-01T00:00:00+01',
    ' 2023-01-01T00:00:00Z',
    '2023-01-01T00:00:00Z\n',
    '+012023-01-01T00:00:00Z',
    '1584795799',
    'Fri, 21 Feb 2020 13:23:19 GMT',
    '٢٠٢٣-01-01T00:00:00Z',
  ])('rejects %j', (text) => {
    expect(toInstant(text, { zoneless: 'UTC' })).toBeUndefined();
  });

  it.each([
    ['year 1', '0001-01-01T00:00:00Z'],
    ['the epoch', '1970-01-01T00:00:00Z'],
    ['the last second before 2000', '1999-12-31T23:59:59.999999999Z'],
    ['a year that has five digits in UTC', '9999-12-31T23:59:59-01:00'],
  ])('rejects %s as out of range', (_what, text) => {
    expect(toInstant(text)).toBeUndefined();
  });

  it('returns instants whose text order is their time order', () => {
    const date = fc.date({
      min: new Date('2000-01-02T00:00:00Z'),
      max: new Date('9999-12-30T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, date, fc.integer({ min: -23, max: 23 }), (a, b, hours) => {
        const [first, second] = [toInstant(a.toISOString()), toInstant(shift(b, hours))];
        expect(Math.sign(a.getTime() - b.getTime())).toBe(compare(first ?? '', second ?? ''));
      }),
    );
  });

  it('parses the usual format like Temporal', () => {
    const upTo = (max: number) =>
      fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, '0'));
    const format = fc.record({
      year: fc.integer({ min: 2000, max: 9999 }),
      month: upTo(13),
      day: upTo(32),
      hour: upTo(24),
      minute: upTo(60),
      second: upTo(61),
      fraction: fc.stringMatching(/^(\.\d{1,10})?$/),
      separator: fc.constantFrom('T', ' '),
    });
    fc.assert(
      fc.property(format, ({ year, month, day, hour, minute, second, fraction, separator }) => {
        const text = `${year}-${month}-${day}${separator}${hour}:${minute}:${second}${fraction}Z`;
        expect(toInstant(text)).toBe(parseWithTemporal(text));
      }),
      { numRuns: 5_000 },
    );
  });

  function parseWithTemporal(text: string): string | undefined {
    try {
      return Temporal.Instant.from(text).toString({ fractionalSecondDigits: 9 });
    } catch {
      return undefined;
    }
  }

  /** The same instant with another offset. */
  function shift(date: Date, hours: number): string {
    const wall = new Date(date.getTime() + hours * 3_600_000).toISOString().slice(0, -1);
    const sign = hours < 0 ? '-' : '+';
    return `${wall}${sign}${String(Math.abs(hours)).padStart(2, '0')}:00`;
  }

  function compare(a: string, b: string): number {
    if (a === b) return 0;
    return a < b ? -1 : 1;
  }
});
