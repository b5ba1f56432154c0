/** Vendors' spellings of a moment, turned into ours. */

import { Temporal } from 'temporal-polyfill';
import type { Instant } from '../../domain/instant';

export interface InstantFormat {
  /** What a time without a zone mark means, where the vendor says so; absent: such a time is no moment. */
  readonly zoneless?: 'UTC';
}

/** An offset or `Z` at the end. */
const ZONE = /(Z|[+-]\d\d:?\d\d)$/i;

/** What is older is not a time but somebody's default value: year 1, or 1970. No vendor is that old. */
const EARLIEST: Instant = '2000-01-01T00:00:00.000000000Z';

/** The last moment whose year has four digits, which our spelling needs. */
const LATEST: Instant = '9999-12-31T23:59:59.999999999Z';

/**
 * Reads `2023-03-16T09:42:18.8338086Z` and whatever else is an ISO 8601 moment: `T` or a space between, an offset with
 * or without a colon, at most nine fractional digits.
 *
 * @returns `undefined` for anything else: a phrase, a placeholder, the 30th of February.
 */
export function toInstant(text: string, spelling: InstantFormat = {}): Instant | undefined {
  const zoned = spelling.zoneless === 'UTC' && !ZONE.test(text) ? `${text}Z` : text;
  const instant = parseUsual(zoned) ?? parse(zoned);
  return instant !== undefined && instant >= EARLIEST && instant <= LATEST ? instant : undefined;
}

const USUAL = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;

/** The spelling that nearly all messages use, in a tenth of the time that `parse` takes. Leaves to it what it cannot read. */
function parseUsual(text: string): Instant | undefined {
  const [, date, time, fraction = ''] = USUAL.exec(text) ?? [];
  if (date === undefined) return undefined;
  const seconds = `${date}T${time}`;
  const read = new Date(`${seconds}Z`);
  const real = !Number.isNaN(read.getTime()) && read.toISOString().startsWith(seconds);
  return real ? `${seconds}.${fraction.padEnd(9, '0')}Z` : undefined;
}

function parse(text: string): Instant | undefined {
  try {
    return Temporal.Instant.from(text).toString({ fractionalSecondDigits: 9 });
  } catch {
    return undefined;
  }
}
