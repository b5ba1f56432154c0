/** Every check of the drills can fail. */

import { type Check, check, type Evidence, holds } from './checks';
import type { LogEntry } from './log-entries';

const NEWS = [
  { provider: 'sumsub', body: '{"of":"ada"}' },
  { provider: 'fractal-id', body: '{"of":"bob"}' },
] as const;

function cursor(position: number): string {
  return Buffer.from(`log:${position}`).toString('base64url');
}

function entry(position: number, parts: Partial<LogEntry> = {}): LogEntry {
  return {
    cursor: cursor(position),
    user: { id: 'ada' },
    level: { key: 'sumsub/basic-kyc-level' },
    attempt: { id: 'first' },
    attemptStatus: 'PENDING',
    previousAttemptStatus: null,
    levelStatus: 'NOT_VERIFIED',
    previousLevelStatus: null,
    verificationStatus: 'NOT_VERIFIED',
    previousVerificationStatus: 'NOT_VERIFIED',
    active: true,
    previousActive: true,
    ...parts,
  };
}

const BEGUN = entry(1);
const APPROVED = entry(2, {
  attemptStatus: 'APPROVED',
  previousAttemptStatus: 'PENDING',
  levelStatus: 'VERIFIED',
  previousLevelStatus: 'NOT_VERIFIED',
  verificationStatus: 'VERIFIED',
});

const SEEN = [cursor(1), cursor(2)];

const SOUND: Evidence = {
  plan: { lanes: [], posts: 3, deliveries: NEWS, inOrder: [] },
  acknowledged: [...NEWS, NEWS[0]],
  sent: 5,
  kept: [
    { provider: 'SUMSUB', rawBody: '{"of":"ada"}', duplicates: 1 },
    { provider: 'FRACTAL_ID', rawBody: '{"of":"bob"}', duplicates: 1 },
  ],
  log: [BEGUN, APPROVED],
  seen: [SEEN],
  state: ['ada', 'bob'],
  undisturbedState: ['ada', 'bob'],
};
const [ADA, BOB] = SOUND.kept;

function wrong(parts: Partial<Evidence>): readonly string[] {
  return check({ ...SOUND, ...parts })
    .filter((each: Check) => !holds(each))
    .map(({ what }) => what);
}

it('nothing is wrong where nothing went wrong', () => {
  expect(wrong({})).toEqual([]);
});

it.each<[string, Partial<Evidence>]>([
  ['posts acknowledged', { acknowledged: NEWS }],
  ['deliveries kept', { kept: SOUND.kept.slice(0, 1) }],
  ['acknowledged, not kept', { kept: SOUND.kept.slice(0, 1) }],
  ['acknowledged, not counted', { kept: SOUND.kept.map((each) => ({ ...each, duplicates: 0 })) }],
  ['counted, never sent', { sent: 3 }],
  ['gaps in the log', { log: [BEGUN, { ...APPROVED, cursor: cursor(3) }] }],
  ['gaps in the log', { log: [{ ...BEGUN, cursor: cursor(2) }] }],
  ['log entries seen by subscriber 1', { seen: [[cursor(1)]] }],
  ['not seen once and in order by 1', { seen: [[cursor(1)]] }],
  ['not seen once and in order by 1', { seen: [[cursor(2), cursor(1)]] }],
  ['not seen once and in order by 2', { seen: [SEEN, [cursor(1), cursor(1), cursor(2)]] }],
  ['users', { state: ['ada'] }],
  ['users other than undisturbed', { state: ['ada', 'eve'] }],
])('%s: %#', (what, parts) => {
  expect(wrong(parts)).toContain(what);
});

it('a delivery that was kept twice', () => {
  expect(wrong({ kept: [ADA, ADA, BOB].flatMap((each) => each ?? []) })).toEqual([
    'deliveries kept',
    'kept once too often',
    'counted, never sent',
  ]);
});

it.each<[string, Partial<LogEntry>]>([
  ['the user', { previousVerificationStatus: 'VERIFIED' }],
  ['whether the user is active', { previousActive: false }],
  ['the level', { previousLevelStatus: null }],
  ['the attempt', { previousAttemptStatus: 'IN_REVIEW' }],
])('an entry that does not begin where the last one on %s ended', (_, parts) => {
  expect(wrong({ log: [BEGUN, { ...APPROVED, ...parts }] })).toEqual([
    'log entries that do not follow',
  ]);
});

it('entries about different users, levels and attempts need not follow each other', () => {
  const others = [
    entry(3, { user: { id: 'bob' }, attempt: { id: 'second' } }),
    entry(4, { user: { id: 'bob' }, level: { key: 'p100/kyc' }, attempt: { id: 'third' } }),
    entry(5, {
      user: { id: 'bob' },
      level: null,
      attempt: null,
      attemptStatus: null,
      levelStatus: null,
      active: false,
    }),
  ];
  const log = [...SOUND.log, ...others];
  expect(wrong({ log, seen: [log.map((each) => each.cursor)] })).toEqual([]);
});
