import type { IncomingDelivery } from '../../src/domain/delivery';
import { runCount } from '../support/run-count';
import { openTestStore, stateOf } from './open-test-store';
import { delivery, fractalId, p100, paycaddy, sumsub } from './provider-deliveries';

/** Both engines share the fold, so fewer shuffles suffice on PostgreSQL. */
const SHUFFLES = runCount(300, 50);
const START = Date.UTC(2024, 0, 2);

/** @param who - Prefix of all IDs in the story. */
type Story = (who: string) => readonly IncomingDelivery[];

const later = (minutes: number) => new Date(START + minutes * 60_000);
const green = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };
const red = {
  reviewStatus: 'completed',
  reviewResult: { reviewAnswer: 'RED', reviewRejectType: 'RETRY', rejectLabels: ['BAD_SELFIE'] },
};

const STORIES: Record<string, Story> = {
  'Fractal ID': (who) =>
    [
      fractalId('verification_contacted', 'basic', `${who}u`, 1),
      fractalId('verification_rejected', 'basic', `${who}u`, 2),
      fractalId('verification_contacted', 'basic', `${who}u`, 3),
      fractalId('verification_approved', 'basic', `${who}u`, 3),
      fractalId('verification_approved', 'basic', `${who}u`, 4),
      fractalId('verification_rejected', 'liveness', `${who}u`, 4),
      fractalId('verification_approved', 'liveness', `${who}u`, 5),
    ].map((body) => delivery('fractal-id', body, later(0))),

  Sumsub: (who) =>
    [
      ['applicantCreated', { reviewStatus: 'init' }, 1],
      ['applicantPending', { reviewStatus: 'pending', externalUserId: `${who}e` }, 2],
      ['applicantOnHold', { reviewStatus: 'onHold' }, 2],
      ['applicantReviewed', red, 3],
      ['applicantPending', { reviewStatus: 'pending' }, 4],
      ['applicantReviewed', green, 5],
      ['applicantWorkflowCompleted', green, 6],
      ['applicantReset', { reviewStatus: 'init', reviewResult: { reviewAnswer: 'GREEN' } }, 7],
      ['applicantLevelChanged', { previousLevelName: 'basic-kyc-level', levelName: 'plus' }, 8],
      ['applicantReviewed', { ...green, levelName: 'plus' }, 9],
      ['applicantDeactivated', {}, 9],
      ['applicantActivated', {}, 9],
    ].map(([type, rest, at]) =>
      delivery(
        'sumsub',
        sumsub(String(type), { applicantId: `${who}a`, ...Object(rest) }, Number(at)),
        later(0),
      ),
    ),

  PayCaddy: (who) =>
    (
      [
        'verification_inputs_completed',
        'rejected',
        'reviewNeeded',
        'verified',
        'rejected',
        'verified',
      ] as const
    )
      .map((status, tick) => paycaddy(status, `${who}u`, tick))
      .map((body) => delivery('paycaddy', body, later(0))),

  P100: (who) => [
    delivery('p100', p100(`${who}u`, 'NOT_VERIFIED', 'PENDING'), later(0)),
    delivery('p100', p100(`${who}u`, 'NOT_VERIFIED', 'VERIFICATION'), later(2)),
    delivery('p100', p100(`${who}u`, 'NOT_VERIFIED', 'REJECTED_BY_PROVIDER'), later(4)),
    delivery('p100', p100(`${who}u`, 'NOT_VERIFIED', 'PENDING'), later(20)),
    delivery('p100', p100(`${who}u`, 'VERIFIED', 'SUCCESSFUL'), later(25)),
    delivery('p100', p100(`${who}u`, 'EXPIRED'), later(600)),
  ],

  Kraken: (who) => [
    delivery('kraken', { id: `${who}u`, status: 'rejected', note: '' }, later(0)),
    delivery('kraken', { id: `${who}u`, status: 'approved', note: '' }, later(20)),
    delivery('kraken', { id: `${who}u`, status: 'rejected', note: '' }, later(40)),
    delivery('kraken', { id: `${who}u`, status: 'approved', note: '' }, later(60)),
  ],
};

/** Shuffles deterministically by seed, so that a failure can be reproduced. */
function randomFrom(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function shuffleWithRepeats(
  story: readonly IncomingDelivery[],
  seed: number,
): readonly IncomingDelivery[] {
  const random = randomFrom(seed);
  const repeats = story.filter(() => random() < 0.4);
  return [...story, ...repeats]
    .map((one) => ({ one, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}

/** Returns the state of each shuffle, without its prefix. */
function statesByShuffle(state: string): ReadonlyMap<string, string> {
  const byShuffle = new Map<string, string>();
  for (const [table, rows] of Object.entries<unknown[]>(JSON.parse(state))) {
    for (const row of rows) {
      const text = JSON.stringify(row);
      const [prefix] = /r\d+~/.exec(text) ?? [];
      if (prefix === undefined) continue;
      byShuffle.set(
        prefix,
        `${byShuffle.get(prefix) ?? ''}\n${table} ${text.replaceAll(prefix, '')}`,
      );
    }
  }
  return byShuffle;
}

describe.each(Object.entries(STORIES))('%s', (_, story) => {
  it(`gives one state after each of ${SHUFFLES} shuffles with duplicates`, async () => {
    const { store, database } = await openTestStore();
    const all = Array.from({ length: SHUFFLES }, (_, seed) =>
      shuffleWithRepeats(story(`r${seed}~`), seed),
    );
    await Promise.all(
      all.map(async (deliveries) => {
        for (const one of deliveries) await store.record(one);
      }),
    );
    const states = statesByShuffle(await stateOf(database));
    expect(states.size).toBe(SHUFFLES);
    const distinct = new Set(states.values());
    expect([...distinct]).toEqual([states.get('r0~')]);
  }, 240_000);
});
