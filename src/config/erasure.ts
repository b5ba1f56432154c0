/** `ERASURE_HOLD`, `ERASURE_HOLD_BASIS` and `RAW_BODY_RETENTION`. */

import { z } from 'zod';
import type { ErasureHoldConfig } from '../store/erasure/legal-holds';
import type { EnvironmentReader } from './environment';
import { durationMs, parseDurationMs } from './parsers';

const EXPECTED = 'an ISO 8601 duration, e.g. P5Y';
const DURATION = durationMs(EXPECTED);
const TERM = z.string().refine((text) => parseDurationMs(text) !== undefined, EXPECTED);

/** Returns milliseconds. If null, raw bodies are never purged. */
export function readRawBodyRetention(reader: EnvironmentReader): number | null {
  return reader.read('RAW_BODY_RETENTION', DURATION, null);
}

/** Returns null if `ERASURE_HOLD` is unset. */
export function readErasureHold(reader: EnvironmentReader): ErasureHoldConfig | null {
  const term = reader.read('ERASURE_HOLD', TERM, null);
  const basis = reader.text('ERASURE_HOLD_BASIS');
  if (term === null) {
    if (basis !== undefined) {
      reader.fault('ERASURE_HOLD', 'a duration if ERASURE_HOLD_BASIS is set');
    }
    return null;
  }
  if (basis === undefined) {
    reader.fault('ERASURE_HOLD_BASIS', 'the legal basis of ERASURE_HOLD');
    return null;
  }
  return { term, basis };
}
