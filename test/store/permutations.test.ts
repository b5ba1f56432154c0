/** Any order of the same deliveries, with duplicates and in any groups, gives byte-equal state. So does a replay. */

import fc from 'fast-check';
import type { IncomingDelivery, Reading } from '../../src/domain/delivery';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy';
import type { ReplayDeliveries } from '../../src/store/replay/replay-deliveries';
import type { Store } from '../../src/store/store';
import { tablesOf } from '../support/databases';
import { runCount } from '../support/run-count';
import { closeTestStores, openTestStore, stateOf } from './open-test-store';
import { delivery, fractalId, p100, paycaddy, sumsub } from './provider-deliveries';

const START = Date.UTC(2024, 0, 2);
const ONCE = new Date(START);

/** Clock of the store, and a policy by which some approvals are expired at that time. */
const clock = () => new Date(START + 60 * 60_000);
const BRIEF: Policy = {
  verified: null,
  expiresAfterMs: { '*': 25 * 60 * 60_000 - 2_000, 'p100/kyc': 30 * 60_000 },
};

const user = fc.constantFrom('user-1', 'user-2');

const fractalIdBody = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom('verification_approved', 'verification_contacted', 'verification_rejected'),
        fc.constantFrom('basic', 'liveness'),
        user,
        fc.integer({ min: 0, max: 5 }),
      )
      .map((told) => fractalId(...told)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('c-1', 'c-2'), user, fc.integer({ min: 0, max: 1 }))
      .map(([credential, holder, second]) => ({
        type: 'credential_shared',
        data: {
          idos_human_id: holder,
          credential_id: credential,
          shared_at: `2024-01-01T00:00:0${second}Z`,
        },
      })),
  },
);

const sumsubBody = fc
  .tuple(
    fc.constantFrom(
      ['applicantCreated', { reviewStatus: 'init' }],
      ['applicantPending', { reviewStatus: 'pending' }],
      ['applicantOnHold', { reviewStatus: 'onHold' }],
      ['applicantReviewed', { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } }],
      [
        'applicantReviewed',
        {
          reviewStatus: 'completed',
          reviewResult: {
            reviewAnswer: 'RED',
            reviewRejectType: 'RETRY',
            rejectLabels: ['BAD_SELFIE'],
          },
        },
      ],
      [
        'applicantWorkflowCompleted',
        { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } },
      ],
      ['applicantReset', { reviewStatus: 'init', reviewResult: { reviewAnswer: 'GREEN' } }],
      ['applicantStepsReset', { reviewStatus: 'init', reviewResult: { reviewAnswer: 'GREEN' } }],
      ['applicantWorkflowFailed', { reviewStatus: 'init' }],
      ['applicantLevelChanged', { previousLevelName: 'basic-kyc-level', levelName: 'plus-level' }],
      ['applicantActivated', {}],
      ['applicantDeactivated', {}],
      ['applicantDeleted', {}],
      [
        'applicantActionReviewed',
        {
          applicantActionId: 'action-1',
          levelName: 'action-level',
          reviewStatus: 'completed',
          reviewResult: { reviewAnswer: 'GREEN' },
        },
      ],
      // Has another kind than the other deliveries of this level.
      ['applicantActionPending', { applicantActionId: 'action-2', reviewStatus: 'pending' }],
      ['applicantTagsChanged', {}],
    ),
    fc.constantFrom({}, { externalUserId: 'user-1' }, { externalUserId: 'user-2' }),
    fc.constantFrom({}, { sandboxMode: true }),
    fc.constantFrom('applicant-1', 'applicant-2'),
    fc.integer({ min: 0, max: 5 }),
  )
  .map(([[type, rest], named, sandbox, applicantId, at]) =>
    sumsub(String(type), { ...(rest as object), ...named, ...sandbox, applicantId }, at),
  );

const paycaddyBody = fc
  .tuple(
    fc.constantFrom(
      'verification_inputs_completed',
      'verified',
      'rejected',
      'reviewNeeded',
      'never-heard-of',
    ),
    user,
    fc.integer({ min: 0, max: 5 }),
  )
  .map((told) => paycaddy(...told));

const p100Body = fc
  .tuple(
    user,
    fc.constantFrom('NOT_VERIFIED', 'VERIFIED', 'EXPIRED'),
    fc.constantFrom(undefined, 'PENDING', 'VERIFICATION', 'REJECTED_BY_PROVIDER', 'SUCCESSFUL'),
  )
  .map((told) => p100(...told));

const krakenBody = fc
  .tuple(user, fc.constantFrom('approved', 'rejected'))
  .map(([id, status]) => ({ id, status, note: '' }));

type Deliveries = fc.Arbitrary<readonly IncomingDelivery[]>;

/** Providers with timestamps: the time of receipt has no effect. */
function dated(provider: string, body: fc.Arbitrary<object>): Deliveries {
  return fc
    .array(body, { minLength: 1, maxLength: 10 })
    .map((bodies) => bodies.map((one) => delivery(provider, one, ONCE)));
}

/** Providers without timestamps: the time of receipt applies. Deliveries are far enough apart not to be duplicates. */
function undated(provider: string, body: fc.Arbitrary<object>): Deliveries {
  return fc
    .array(body, { minLength: 1, maxLength: 8 })
    .map((bodies) =>
      bodies.map((one, index) => delivery(provider, one, new Date(START + index * 11 * 60_000))),
    );
}

const STORIES = {
  'Fractal ID': dated('fractal-id', fractalIdBody),
  Sumsub: dated('sumsub', sumsubBody),
  PayCaddy: dated('paycaddy', paycaddyBody),
  P100: undated('p100', p100Body),
  Kraken: undated('kraken', krakenBody),
} satisfies Record<string, Deliveries>;
const MIXED: Deliveries = fc.tuple(...Object.values(STORIES)).map((stories) => stories.flat());

/** A story, its shuffle with duplicates, and the number of deliveries that arrive at the same instant. */
function shuffles(story: Deliveries) {
  return story.chain((deliveries) =>
    fc.array(fc.constantFrom(...deliveries), { maxLength: 8 }).chain((repeats) => {
      const all = [...deliveries, ...repeats];
      return fc.record({
        config: fc.record({
          acceptSandbox: fc.boolean(),
          policy: fc.constantFrom(DEFAULT_POLICY, BRIEF),
        }),
        deliveries: fc.constant(deliveries),
        shuffled: fc.shuffledSubarray(all, { minLength: all.length }),
        groupSize: fc.integer({ min: 1, max: 12 }),
      });
    }),
  );
}

async function post(
  store: Store,
  deliveries: readonly IncomingDelivery[],
  groupSize: number,
): Promise<void> {
  for (let start = 0; start < deliveries.length; start += groupSize) {
    await Promise.all(deliveries.slice(start, start + groupSize).map((one) => store.record(one)));
  }
}

describe.each([...Object.entries(STORIES), ['all providers mixed', MIXED] as const])(
  '%s',
  (_, story) => {
    it('gives one state for any order, duplicates and groups', async () => {
      await fc.assert(
        fc
          .asyncProperty(shuffles(story), async ({ config, deliveries, shuffled, groupSize }) => {
            const inOrder = await openTestStore(config, { clock });
            await post(inOrder.store, deliveries, 1);
            const other = await openTestStore(config, { clock });
            await post(other.store, shuffled, groupSize);
            expect(await stateOf(other.database)).toBe(await stateOf(inOrder.database));
          })
          .afterEach(closeTestStores),
        { numRuns: RUNS, interruptAfterTimeLimit: 100_000 },
      );
    }, 120_000);

    it('gives the same state, byte for byte, after a replay and after a rebuild', async () => {
      await fc.assert(
        fc
          .asyncProperty(shuffles(story), async ({ shuffled, groupSize }) => {
            const held = await openTestStore();
            await post(held.store, shuffled, groupSize);
            const before = await tablesOf(held.database);

            const outcome = await held.store.replay(EVERYTHING);

            expect(outcome).toMatchObject({ dispositionChanges: [], failed: [], changes: [] });
            expect(await tablesOf(held.database)).toEqual(before);
            const rebuilt = await openTestStore();
            await post(rebuilt.store, await keptIn(held.store), 1);
            expect(await stateOf(rebuilt.database)).toBe(await stateOf(held.database));
          })
          .afterEach(closeTestStores),
        { numRuns: RUNS, interruptAfterTimeLimit: 100_000 },
      );
    }, 120_000);
  },
);

describe.each(['Fractal ID', 'Sumsub', 'PayCaddy'] as const)(
  '%s, parsed incorrectly at first',
  (name) => {
    it('gives, once parsed correctly, the state of a correct parser from the start', async () => {
      await fc.assert(
        fc
          .asyncProperty(
            shuffles(STORIES[name]),
            fc.infiniteStream(fc.constantFrom(...MISREADINGS)),
            async ({ shuffled, groupSize }, misreadings) => {
              const held = await openTestStore();
              const misread = shuffled.map((one) => {
                const misreading = misreadings.next().value;
                return { ...one, reading: misreading(one.reading) };
              });
              await post(held.store, misread, groupSize);
              await held.store.replay(EVERYTHING);
              const corrected = await tablesOf(held.database);
              const rightly = await openTestStore();
              await post(rightly.store, shuffled, 1);
              expect(await stateOf(held.database)).toBe(await stateOf(rightly.database));

              expect(await held.store.replay(EVERYTHING)).toMatchObject({
                dispositionChanges: [],
                changes: [],
              });
              expect(await tablesOf(held.database)).toEqual(corrected);
            },
          )
          .afterEach(closeTestStores),
        { numRuns: RUNS, interruptAfterTimeLimit: 100_000 },
      );
    }, 120_000);
  },
);

/** Faults of an adapter. */
const MISREADINGS: readonly ((reading: Reading) => Reading)[] = [
  (reading) => reading,
  (reading) => ({
    ...reading,
    kind: 'QUARANTINED',
    reason: { code: 'STATUS_UNMAPPED', message: 'expected a word we know' },
  }),
  (reading) => ({
    kind: 'IGNORED',
    eventType: reading.eventType ?? '',
    duplicateKey: `ignored ${reading.duplicateKey}`,
  }),
  (reading) =>
    reading.kind !== 'EVENTS'
      ? reading
      : {
          ...reading,
          duplicateKey: `misdated ${reading.duplicateKey}`,
          events: reading.events.map((event) => ({
            ...event,
            occurredAt: '2024-01-01T00:00:00.003000000Z',
          })),
        },
];

const EVERYTHING: ReplayDeliveries = {
  selection: {},
  dryRun: false,
  changeActor: 'test',
  auditActor: 'test',
  now: new Date(START + 24 * 60 * 60_000),
  reread: ({ provider, rawBody, receivedAt }) => readAgain(provider, rawBody, receivedAt).reading,
};

/** Deliveries in the Kraken format of Fractal ID have no type. */
function readAgain(provider: string, rawBody: Buffer, receivedAt: Date): IncomingDelivery {
  const text = rawBody.toString();
  const format = provider === 'fractal-id' && !('type' in JSON.parse(text)) ? 'kraken' : provider;
  return delivery(format, text, receivedAt);
}

/** Returns the stored deliveries in order. */
async function keptIn({ read }: Store): Promise<readonly IncomingDelivery[]> {
  const { rows } = await read.deliveries({}, { first: 100 });
  const kept = rows.map(({ row }) => row).sort((a, b) => a.id - b.id);
  const bodies = await read.rawBodiesOf(kept.map(({ id }) => id));
  return kept.map(({ provider, receivedAt }, index) =>
    readAgain(provider, bodies[index] ?? Buffer.from(''), receivedAt),
  );
}

/** Number of runs. Each opens databases of its own, which takes longer on a server than in a file. */
const RUNS = runCount(5, 1);
