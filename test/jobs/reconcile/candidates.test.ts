/** When there is reason to ask. */

import { toInstantText } from '../../../src/domain/instant';
import { isCheckable, isDue } from '../../../src/jobs/reconcile/candidates';

const HOUR = 60 * 60_000;
const NOW = new Date('2024-02-01T12:00:00Z');
const PATIENCE = { openAfterMs: HOUR, unconfirmedAfterMs: 60_000, quietAfterMs: 720 * HOUR };

function ago(hours: number): Date {
  return new Date(NOW.getTime() - hours * HOUR);
}

function due(kind: 'OPEN' | 'UNCONFIRMED' | 'QUIET', updated: number, asked: number | null) {
  const updatedAt = toInstantText(ago(updated));
  const lastCheckedAt = asked === null ? null : ago(asked);
  return isDue({ updatedAt, lastReceivedAt: updatedAt, lastCheckedAt }, kind, PATIENCE, NOW);
}

it.each([
  ['an attempt that has just begun', 'OPEN', 0.9, null, false],
  ['one that is open too long', 'OPEN', 1, null, true],
  ['the same, just asked about', 'OPEN', 1.5, 0.9, false],
  ['the same, an hour later', 'OPEN', 2.5, 1, true],
  ['one that is open for days, asked about hours ago', 'OPEN', 40, 9, false],
  ['the same, after a quarter of that time', 'OPEN', 40, 10, true],
  ['an approval of this moment', 'UNCONFIRMED', 0.01, null, false],
  ['an approval that is not confirmed', 'UNCONFIRMED', 0.02, null, true],
  ['an approval that is dated ahead of us', 'UNCONFIRMED', -20, null, true],
  ['a decision of last week', 'QUIET', 168, null, false],
  ['a decision of last month', 'QUIET', 721, null, true],
  ['whoever was asked about by a clock that was ahead', 'OPEN', 2, -5, true],
] as const)('%s', (_, kind, updated, asked, expected) => {
  expect(due(kind, updated, asked)).toBe(expected);
});

it('a later attempt ends the quiet of an earlier one', () => {
  const old = {
    updatedAt: toInstantText(ago(900)),
    lastReceivedAt: toInstantText(ago(1)),
    lastCheckedAt: null,
  };
  expect(isDue(old, 'QUIET', PATIENCE, NOW)).toBe(false);
});

it('a deleted account is not asked about, and an action only where the vendor answers about it', () => {
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
