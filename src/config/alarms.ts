/** `STALLED_AFTER`, `SILENT_AFTER`, `SILENT_FLOOR`: when the gateway calls an attempt stalled, a vendor silent. */

import { z } from 'zod';
import { type AlarmRules, DEFAULT_ALARM_RULES } from '../domain/alarms';
import { ATTEMPT_STATUSES, isOpen, type OpenStatus } from '../domain/status';
import { parseDurationMs } from './duration';
import type { EnvironmentReader } from './environment';

const PAIR = /^([A-Z_]+)=(\S+)$/;
const EXPECTED_PAIRS =
  '`STATUS=duration`, separated by commas, each status one of PENDING, IN_PROGRESS, ACTION_REQUIRED, IN_REVIEW, the duration as ISO 8601, such as `P3D`';
const DURATION = z
  .string()
  .refine((text) => parseDurationMs(text) !== undefined, 'an ISO 8601 duration, such as `PT30M`')
  .transform((text) => parseDurationMs(text) ?? 0);
const FLOOR = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, 'a whole number from 1 to 9999')
  .transform(Number);

/** Statuses that are not named keep their default. */
export function readAlarmRules(reader: EnvironmentReader): AlarmRules {
  const { stalledAfterMs, silence } = DEFAULT_ALARM_RULES;
  return {
    stalledAfterMs: { ...stalledAfterMs, ...readStalledAfter(reader) },
    silence: {
      afterMs: reader.read('SILENT_AFTER', DURATION, silence.afterMs),
      floor: reader.read('SILENT_FLOOR', FLOOR, silence.floor),
    },
  };
}

function readStalledAfter(reader: EnvironmentReader): Partial<Record<OpenStatus, number>> {
  const parts = (reader.text('STALLED_AFTER') ?? '').split(',').map((part) => part.trim());
  const limits: Partial<Record<OpenStatus, number>> = {};
  for (const part of parts.filter((text) => text !== '')) {
    const [status, ms] = readPair(part);
    if (status === undefined || ms === undefined || limits[status] !== undefined) {
      reader.fault('STALLED_AFTER', EXPECTED_PAIRS);
      return {};
    }
    limits[status] = ms;
  }
  return limits;
}

function readPair(part: string): readonly [OpenStatus | undefined, number | undefined] {
  const [, word = '', duration = ''] = PAIR.exec(part) ?? [];
  const status = ATTEMPT_STATUSES.find((known) => known === word);
  return status !== undefined && isOpen(status)
    ? [status, parseDurationMs(duration)]
    : [undefined, undefined];
}
