/** `STALLED_AFTER`, `SILENT_AFTER`, `SILENT_MIN_DELIVERIES`: when an attempt counts as stalled and a provider as silent. */

import { DEFAULT_MONITORING_RULES, type MonitoringRules } from '../domain/monitoring';
import { ATTEMPT_STATUSES, isOpen, type OpenStatus } from '../domain/status';
import type { EnvironmentReader } from './environment';
import { durationMs, parseDurationMs, wholeNumber } from './parsers';

const PAIR = /^([A-Z_]+)=(\S+)$/;
const EXPECTED_PAIRS =
  'a comma-separated list of `STATUS=duration`, where each status is one of PENDING, IN_PROGRESS, ACTION_REQUIRED, IN_REVIEW and each duration is ISO 8601, for example `IN_REVIEW=P3D`';
const DURATION = durationMs('an ISO 8601 duration, for example `PT30M`');
const MIN_DELIVERIES = wholeNumber(1, 9999);

/** Statuses that `STALLED_AFTER` does not list keep their default. */
export function readMonitoringRules(reader: EnvironmentReader): MonitoringRules {
  const { stalledAfterMs, silence } = DEFAULT_MONITORING_RULES;
  return {
    stalledAfterMs: { ...stalledAfterMs, ...readStalledAfter(reader) },
    silence: {
      afterMs: reader.read('SILENT_AFTER', DURATION, silence.afterMs),
      floor: reader.read('SILENT_MIN_DELIVERIES', MIN_DELIVERIES, silence.floor),
    },
  };
}

function readStalledAfter(reader: EnvironmentReader): Partial<Record<OpenStatus, number>> {
  const limits: Partial<Record<OpenStatus, number>> = {};
  for (const part of reader.list('STALLED_AFTER')) {
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
