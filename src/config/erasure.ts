/** For how long users have to be kept although somebody wants them erased (`ERASURE_…`), and raw bodies although nobody does. */

import { z } from 'zod';
import type { ErasureHoldConfig } from '../store/erasure/legal-holds';
import type { EnvironmentReader } from './environment';
import { durationMs, parseDurationMs } from './parsers';

const EXPECTED = 'an ISO 8601 duration, e.g. P5Y';
const DURATION = durationMs(EXPECTED);
const TERM = z.string().refine((text) => parseDurationMs(text) !== undefined, EXPECTED);

/** In milliseconds; `null`: for ever. */
export function readRawBodyRetention(reader: EnvironmentReader): number | null {
  return reader.read('RAW_BODY_RETENTION', DURATION, null);
}

/** `null` unless there is a duration. */
export function readErasureHold(reader: EnvironmentReader): ErasureHoldConfig | null {
  const term = reader.read('ERASURE_HOLD', TERM, null);
  const basis = reader.text('ERASURE_HOLD_BASIS');
  if (term === null) {
    if (basis !== undefined)
      reader.fault('ERASURE_HOLD', 'a duration where ERASURE_HOLD_BASIS is set');
    return null;
  }
  if (basis === undefined) {
    reader.fault('ERASURE_HOLD_BASIS', 'the law or duty for which ERASURE_HOLD keeps users');
    return null;
  }
  return { term, basis };
}
