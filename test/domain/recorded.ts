/** Events for tests, short to write. */

import type { VerificationEvent } from '../../src/domain/event';
import type { RecordedEvent } from '../../src/domain/fold/recorded-event';
import { toInstantText } from '../../src/domain/instant';
import type { AttemptStatus, VerificationStatus } from '../../src/domain/status';

const DAY = Date.UTC(2024, 0, 1);

/** `at(5)` is five minutes into an invented day. */
export function at(minutes: number): string {
  return toInstantText(new Date(DAY + minutes * 60_000));
}

type Rest = Partial<Extract<VerificationEvent, { type: 'STATUS' }>>;

/** What a vendor with a clock says `minutes` into the day. */
export function said(minutes: number, status: AttemptStatus, rest: Rest = {}): RecordedEvent {
  const event = {
    ...base(rest),
    type: 'STATUS',
    status,
    occurredAt: at(minutes),
    ...rest,
  } as const;
  return recorded(`${minutes} ${status} ${JSON.stringify(rest)}`, minutes, event);
}

/** What a vendor without a clock says, received `minutes` into the day. */
export function heard(
  minutes: number,
  levelStatus: VerificationStatus,
  status?: AttemptStatus,
): RecordedEvent {
  const word = status === undefined ? {} : { status };
  const event = {
    ...base({ providerStatus: `${levelStatus}/${status}` }),
    type: 'STATUS',
    levelStatus,
    ...word,
  } as const;
  return recorded(`${minutes} ${levelStatus} ${status}`, minutes, event);
}

/** What a vendor's API answers `minutes` into the day, without a date of its own. */
export function answered(minutes: number, rest: Rest): RecordedEvent {
  const event = { ...base(rest), type: 'STATUS', ...rest } as const;
  const key = `${minutes} answered ${JSON.stringify(rest)}`;
  return { ...recorded(key, minutes, event), trust: 'CONFIRMED' };
}

/** The same, of an API that says nothing but that the level is not verified. */
export function denied(minutes: number): RecordedEvent {
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

/** The vendor moves the user from the level to another. */
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
    providerStatus: rest.providerStatus ?? rest.status ?? 'word',
  } as const;
}
