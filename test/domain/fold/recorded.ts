/** Builders of recorded events. */

import type { VerificationEvent } from '../../../src/domain/event';
import type { RecordedEvent } from '../../../src/domain/fold/recorded-event';
import { toInstantText } from '../../../src/domain/instant';
import type { AttemptStatus, VerificationStatus } from '../../../src/domain/status';

const DAY = Date.UTC(2024, 0, 1);

/** Returns the instant `minutes` after the start of a fixed day. */
export function at(minutes: number): string {
  return toInstantText(new Date(DAY + minutes * 60_000));
}

type Rest = Partial<Extract<VerificationEvent, { type: 'STATUS' }>>;

/** A status event with a provider timestamp. */
export function dated(minutes: number, status: AttemptStatus, rest: Rest = {}): RecordedEvent {
  const event = {
    ...base(rest),
    type: 'STATUS',
    status,
    occurredAt: at(minutes),
    ...rest,
  } as const;
  return recorded(`${minutes} ${status} ${JSON.stringify(rest)}`, minutes, event);
}

/** A status event without a provider timestamp, received at `minutes`. */
export function undated(
  minutes: number,
  levelStatus: VerificationStatus,
  status?: AttemptStatus,
): RecordedEvent {
  const attempt = status === undefined ? {} : { status };
  const event = {
    ...base({ providerStatus: `${levelStatus}/${status}` }),
    type: 'STATUS',
    levelStatus,
    ...attempt,
  } as const;
  return recorded(`${minutes} ${levelStatus} ${status}`, minutes, event);
}

/** A status response without a timestamp, requested at `minutes`. */
export function response(minutes: number, rest: Rest): RecordedEvent {
  const event = { ...base(rest), type: 'STATUS', ...rest } as const;
  const key = `${minutes} answered ${JSON.stringify(rest)}`;
  return { ...recorded(key, minutes, event), trust: 'CONFIRMED' };
}

/** A response that contains only that the level is not verified. */
export function unverified(minutes: number): RecordedEvent {
  const event = { ...base({}), type: 'UNVERIFIED' } as const;
  return { ...recorded(`${minutes} denied`, minutes, event), trust: 'CONFIRMED' };
}

export function reset(minutes: number, level = 'basic'): RecordedEvent {
  return recorded(`${minutes} ${level} reset`, minutes, {
    ...base({}),
    type: 'RESET',
    level,
    occurredAt: at(minutes),
  });
}

/** The provider moves the user from the level to another. */
export function levelChange(minutes: number, level = 'basic'): RecordedEvent {
  return recorded(`${minutes} ${level} left`, minutes, {
    ...base({}),
    type: 'WITHDRAWN',
    level,
    occurredAt: at(minutes),
  });
}

export function account(
  minutes: number,
  state: 'ACTIVE' | 'DEACTIVATED' | 'DELETED',
  rest: { readonly sandbox?: boolean } = {},
): RecordedEvent {
  return recorded(`${minutes} ${state} ${JSON.stringify(rest)}`, minutes, {
    type: 'ACCOUNT',
    subjectRef: 'subject-1',
    state,
    occurredAt: at(minutes),
    ...rest,
  });
}

export function recorded(key: string, minutes: number, event: VerificationEvent): RecordedEvent {
  return { key, receivedAt: at(minutes), trust: 'SIGNED', event };
}

function base(rest: Rest) {
  return {
    subjectRef: 'subject-1',
    level: 'basic',
    levelKind: 'LEVEL',
    providerStatus: rest.providerStatus ?? rest.status ?? 'raw status',
  } as const;
}
