/** Due times of status checks. */

import { toInstantText } from '../../../src/domain/instant';
import { isCheckable, isDue } from '../../../src/jobs/reconcile/candidates';

const HOUR = 60 * 60_000;
const NOW = new Date('2024-02-01T12:00:00Z');
const DELAYS = { openAfterMs: HOUR, unconfirmedAfterMs: 60_000, quietAfterMs: 720 * HOUR };

function ago(hours: number): Date {
  return new Date(NOW.getTime() - hours * HOUR);
}

function due(kind: 'OPEN' | 'UNCONFIRMED' | 'QUIET', updated: number, asked: number | null) {
  const updatedAt = toInstantText(ago(updated));
  const lastCheckedAt = asked === null ? null : ago(asked);
  return isDue({ updatedAt, lastReceivedAt: updatedAt, lastCheckedAt }, kind, DELAYS, NOW);
}

it.each([
  ['a new attempt', 'OPEN', 0.9, null, false],
  ['an attempt that is open too long', 'OPEN', 1, null, true],
  ['the same, just checked', 'OPEN', 1.5, 0.9, false],
  ['the same, an hour later', 'OPEN', 2.5, 1, true],
  ['an attempt that is open for days, checked hours ago', 'OPEN', 40, 9, false],
  ['the same, after a quarter of that time', 'OPEN', 40, 10, true],
  ['a new approval', 'UNCONFIRMED', 0.01, null, false],
  ['an approval that is not confirmed', 'UNCONFIRMED', 0.02, null, true],
  ['an approval dated ahead of our clock', 'UNCONFIRMED', -20, null, true],
  ['a decision of last week', 'QUIET', 168, null, false],
  ['a decision of last month', 'QUIET', 721, null, true],
  ['a check dated ahead of our clock', 'OPEN', 2, -5, true],
] as const)('%s', (_, kind, updated, asked, expected) => {
  expect(due(kind, updated, asked)).toBe(expected);
});

it('a later attempt ends the silence of an earlier one', () => {
  const old = {
    updatedAt: toInstantText(ago(900)),
    lastReceivedAt: toInstantText(ago(1)),
    lastCheckedAt: null,
  };
  expect(isDue(old, 'QUIET', DELAYS, NOW)).toBe(false);
});

it('does not check deleted accounts, and checks actions only if the provider supports it', () => {
  const one = {
    identityId: 1,
    userId: 1,
    provider: 'sumsub',
    subjectRef: 'a',
    state: 'ACTIVE',
    attemptId: 1,
    actionId: null,
    attemptRef: null,
    levelKind: 'LEVEL',
    sandbox: false,
    updatedAt: '',
    lastReceivedAt: '',
    lastCheckedAt: null,
  } as const;
  const sumsub = new Set(['sumsub']);
  const action = { ...one, levelKind: 'ACTION', actionId: 1, attemptRef: 'action-1' } as const;
  expect(isCheckable(one, new Set())).toBe(true);
  expect(isCheckable({ ...one, state: 'DELETED' }, sumsub)).toBe(false);
  expect(isCheckable(action, sumsub)).toBe(true);
  expect(isCheckable(action, new Set())).toBe(false);
  expect(isCheckable({ ...action, attemptRef: null }, sumsub)).toBe(false);
  expect(isCheckable({ ...action, state: 'DELETED' }, sumsub)).toBe(false);
});
