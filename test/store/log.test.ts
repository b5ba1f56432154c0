/** Tests that the whole change log yields the state: no change is missing or repeated. */

import fc from 'fast-check';
import type { Change } from '../../src/domain/change';
import type { Reading, StoredDelivery } from '../../src/domain/delivery';
import { DEFAULT_POLICY, type Policy } from '../../src/domain/policy';
import type { DatabaseConfig } from '../../src/store/database/options';
import type { StoreConfig } from '../../src/store/open-store';
import type { Store } from '../../src/store/store';
import { withoutNonces } from '../support/changes';
import { change, query } from '../support/databases';
import { runCount } from '../support/run-count';
import { closeTestStores, openTestStore, stateOf, type TestStore } from './open-test-store';
import { delivery, fractalId, p100, paycaddy, sumsub } from './provider-deliveries';

const START = Date.UTC(2024, 0, 2);
const HOUR_MS = 60 * 60_000;
const WAIT_MS = 20 * HOUR_MS;
const BRIEF: Policy = {
  verified: null,
  expiresAfterMs: { '*': 30 * HOUR_MS, 'p100/kyc': HOUR_MS },
};

const user = fc.constantFrom('user-1', 'user-2', 'user-3');
const tick = fc.integer({ min: 0, max: 8 });
const green = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };
const red = {
  reviewStatus: 'completed',
  reviewResult: { reviewAnswer: 'RED', reviewRejectType: 'RETRY', rejectLabels: ['BAD_SELFIE'] },
};

const body = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('verification_approved', 'verification_contacted', 'verification_rejected'),
      fc.constantFrom('basic', 'liveness'),
      user,
      tick,
    )
    .map((told) => ['fractal-id', fractalId(...told)] as const),
  fc
    .tuple(
      fc.constantFrom<readonly [string, object]>(
        ['applicantCreated', {}],
        ['applicantPending', { reviewStatus: 'pending' }],
        ['applicantReviewed', green],
        ['applicantReviewed', red],
        ['applicantReset', {}],
        ['applicantLevelChanged', { previousLevelName: 'basic-kyc-level', levelName: 'plus' }],
        ['applicantActivated', {}],
        ['applicantDeactivated', {}],
        ['applicantDeleted', {}],
        [
          'applicantActionReviewed',
          { ...green, applicantActionId: 'action-1', levelName: 'action' },
        ],
      ),
      fc.constantFrom({}, {}, { externalUserId: 'user-1' }, { externalUserId: 'user-2' }),
      fc.constantFrom({}, {}, { sandboxMode: true }),
      fc.constantFrom('applicant-1', 'applicant-2'),
      tick,
    )
    .map(([[type, rest], named, sandbox, applicantId, at]) => {
      const about = { ...rest, ...named, ...sandbox, applicantId };
      return ['sumsub', sumsub(type, about, at)] as const;
    }),
  fc
    .tuple(fc.constantFrom('verified', 'rejected', 'reviewNeeded', 'never-heard-of'), user, tick)
    .map((told) => ['paycaddy', paycaddy(...told)] as const),
  fc
    .tuple(
      user,
      fc.constantFrom('NOT_VERIFIED', 'VERIFIED', 'EXPIRED'),
      fc.constantFrom(undefined, 'PENDING', 'VERIFICATION', 'REJECTED_BY_PROVIDER', 'SUCCESSFUL'),
    )
    .map((told) => ['p100', p100(...told)] as const),
);

/** Delivery that an adapter parses wrongly at first, until a replay corrects it. */
const misreading = fc.constantFrom<(reading: Reading) => Reading>(
  (reading) => reading,
  (reading) => reading,
  (reading) => ({
    kind: 'IGNORED',
    eventType: '',
    duplicateKey: `ignored ${reading.duplicateKey}`,
  }),
  (reading) =>
    reading.kind === 'EVENTS'
      ? {
          ...reading,
          duplicateKey: `misread ${reading.duplicateKey}`,
          events: reading.events.map((event) =>
            event.type === 'CREDENTIAL' ? event : { ...event, subjectRef: 'user-2' },
          ),
        }
      : reading,
);

const doing = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('record' as const),
      told: fc.array(fc.tuple(body, misreading), { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('link' as const),
      identity: fc.constantFrom<readonly [string, string]>(
        ['fractal-id', 'user-1'],
        ['fractal-id', 'user-2'],
        ['sumsub', 'applicant-1'],
        ['sumsub', 'applicant-2'],
        ['paycaddy', 'user-1'],
        ['p100', 'user-1'],
        ['p100', 'user-2'],
      ),
      to: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('open' as const), as: user }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replay' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      rules: fc.record({
        policy: fc.constantFrom(DEFAULT_POLICY, BRIEF),
        acceptSandbox: fc.boolean(),
      }),
    }),
  },
);

type Doing = typeof doing extends fc.Arbitrary<infer T> ? T : never;
type Rules = Pick<StoreConfig, 'policy' | 'acceptSandbox'>;

it('yields the state, and the events yield the same state, after any commands', async () => {
  await fc.assert(
    fc
      .asyncProperty(fc.array(doing, { minLength: 2, maxLength: 14 }), async (doings) => {
        let now = START;
        let rules: Rules = { policy: DEFAULT_POLICY, acceptSandbox: true };
        const held = await openTestStore(rules, { clock: () => new Date(now) });
        let { store } = held;
        for (const one of doings) {
          now += 7 * 60_000;
          if (one.do === 'restart') rules = one.rules;
          store = await perform(held, store, one, new Date(now));
          if (one.do === 'wait') now += WAIT_MS;
        }
        await store.expire(new Date(now));
        const { changes } = await store.read.tail(0, 10_000, {});
        const state = await stateOf(held.database);
        for (const { what, logged, stored } of await compareStates(held.database, changes)) {
          expect({ what, state: logged }).toEqual({ what, state: stored });
        }

        await change(held.database, "DELETE FROM settings WHERE name = 'rules'");
        store = await held.reopen(rules); // projects all users again
        expect(await stateOf(held.database)).toBe(state);
        expect(await store.read.head()).toBe(changes.length);
      })
      .afterEach(closeTestStores),
    { numRuns: runCount(20, 6), interruptAfterTimeLimit: 100_000 },
  );
}, 120_000);

const REPLAY = {
  selection: {},
  changeActor: 'x',
  auditActor: 'test',
  reread: ({ provider, rawBody, receivedAt }: StoredDelivery) =>
    delivery(provider, rawBody.toString(), receivedAt).reading,
};

async function perform(held: TestStore, store: Store, doing: Doing, now: Date): Promise<Store> {
  switch (doing.do) {
    case 'record':
      await Promise.all(
        doing.told.map(([[provider, told], misread]) => {
          const one = delivery(provider, told, now);
          return store.record({ ...one, reading: misread(one.reading) });
        }),
      );
      return store;
    case 'link': {
      const [provider, subjectRef] = doing.identity;
      await store.linkIdentity({
        provider,
        subjectRef,
        userId: doing.to,
        changeActor: 'x',
        auditActor: 'test',
        now,
      });
      return store;
    }
    case 'open':
      await store.createUser({ externalUserId: doing.as, auditActor: 'test', now });
      return store;
    case 'wait':
      await store.expire(new Date(now.getTime() + WAIT_MS));
      return store;
    case 'replay': {
      const foretold = await store.replay({ ...REPLAY, now, dryRun: true });
      const done = await store.replay({ ...REPLAY, now, dryRun: false });
      expect(withoutNonces(done)).toEqual(withoutNonces(foretold));
      return store;
    }
    case 'restart':
      return await held.reopen(doing.rules);
  }
}

/** Returns the last state of each object in the log. Each entry must continue the one before. */
function statesIn(changes: readonly Change[]): Readonly<Record<string, unknown>> {
  const states: Record<string, unknown> = {};
  function step(what: string, first: unknown, before: unknown, after: unknown) {
    const was = what in states ? states[what] : first;
    if (JSON.stringify(was) !== JSON.stringify(before)) {
      throw new Error(`${what} was ${was}, and the log goes on from ${before}`);
    }
    states[what] = after;
  }
  for (const one of changes) {
    if (one.cause.mergedUserId !== null) forgetLevels(states, one.cause.mergedUserId);
    step(
      `user ${one.userId}`,
      'NOT_VERIFIED',
      one.previousVerificationStatus,
      one.verificationStatus,
    );
    step(`active ${one.userId}`, true, one.previousActive, one.active);
    // An entry may name the latest attempt at its level and be about the level alone.
    if (one.attemptId !== null && (one.previousAttemptStatus ?? one.attemptStatus) !== null) {
      step(`attempt ${one.attemptId}`, null, one.previousAttemptStatus, one.attemptStatus);
      states[`rejection ${one.attemptId}`] = one.rejection;
    }
    if (one.levelKey !== null) {
      const { userId, levelKey, previousLevelStatus, levelStatus } = one;
      step(`level ${userId} ${levelKey}`, null, previousLevelStatus, levelStatus);
    }
  }
  return states;
}

/** Removes the levels of a merged user. */
function forgetLevels(states: Record<string, unknown>, userId: number) {
  for (const what of Object.keys(states)) {
    if (what.startsWith(`level ${userId} `)) delete states[what];
  }
}

/** Returns the state in the tables and the state in the log, side by side. */
async function compareStates(database: DatabaseConfig, changes: readonly Change[]) {
  const logged = statesIn(changes);
  const rows = await query<{ what: string; state: string }>(database, STATES);
  const stored = Object.fromEntries(rows.map(({ what, state }) => [what, JSON.parse(state)]));
  const kindOf = (what: string) => what.split(' ', 1)[0] ?? '';
  return [...new Set([...Object.keys(logged), ...Object.keys(stored)])].map((what) => ({
    what,
    logged: what in logged ? logged[what] : INITIAL[kindOf(what)],
    stored: what in stored ? stored[what] : null,
  }));
}

/** Initial state of a user. */
const INITIAL: Readonly<Record<string, unknown>> = { user: 'NOT_VERIFIED', active: true };

const STATES = `
SELECT 'user ' || id AS what, '"' || verification_status || '"' AS state FROM users
UNION ALL SELECT 'active ' || id, CASE WHEN active THEN 'true' ELSE 'false' END FROM users
UNION ALL SELECT 'attempt ' || id, '"' || status || '"' FROM attempts
UNION ALL SELECT 'rejection ' || id, coalesce(CAST(rejection AS text), 'null') FROM attempts
UNION ALL SELECT 'level ' || user_id || ' ' || level_key, '"' || status || '"' FROM user_levels`;
