/** Status responses in the store: new events, duplicates and overtaken responses. */

import fc from 'fast-check';
import type { Store } from '../../src/store/store';
import { openTestStore, stateOf } from '../store/open-test-store';
import { answer, delivery, p100, paycaddy, sumsub } from '../store/provider-deliveries';
import { runCount } from '../support/run-count';

const DAY = Date.UTC(2024, 0, 1);
/** Seconds into the day. */
const second = (count: number) => new Date(DAY + count * 1000);

const STATUS = 'applicants/applicant-1/status';

function applicant(reviewStatus: string, rest: object = {}) {
  return {
    createDate: '2024-01-01 00:00:00+0000',
    elapsedSincePendingMs: Math.random(), // differs in every response
    levelName: 'basic-kyc-level',
    reviewStatus,
    ...rest,
  };
}

function completed(reviewAnswer: 'GREEN' | 'RED', at: number) {
  const reviewDate = `${second(at).toISOString().slice(0, 19).replace('T', ' ')}+0000`;
  return applicant('completed', { reviewDate, reviewResult: { reviewAnswer } });
}

const webhook = (type: string, rest: object, at: number, receivedAt = at) =>
  delivery('sumsub', sumsub(type, rest, at * 1000), second(receivedAt));
const GREEN = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };
const response = (body: object, at: number) => answer('sumsub', STATUS, body, second(at));

async function attempts(store: Store) {
  const page = await store.read.attempts(
    {},
    { field: 'STARTED_AT', direction: 'ASC' },
    { first: 100 },
  );
  return page.rows.map(({ row: { status, trust } }) => `${status} ${trust}`);
}

async function changes(store: Store) {
  return (await store.read.tail(0, 1000, {})).changes.length;
}

describe('a status response', () => {
  it('confirms the stored status without an entry in the change log', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantReviewed', GREEN, 10.4));
    const outcome = await store.record(response(completed('GREEN', 10), 5000));
    expect(outcome).toMatchObject({ disposition: 'APPLIED', duplicate: false, changes: 0 });
    expect(await attempts(store)).toEqual(['APPROVED CONFIRMED']);
  });

  it('applies a status that no webhook delivered, and is the cause in the change log', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    const { deliveryId, changes: count } = await store.record(
      response(completed('GREEN', 60), 5000),
    );
    expect(count).toBeGreaterThan(0);
    const { changes: log } = await store.read.tail(0, 100, {});
    expect(log.at(-1)).toMatchObject({ verificationStatus: 'VERIFIED', cause: { deliveryId } });
    const [kept] = await store.read.deliveriesByIds([deliveryId]);
    expect(kept).toMatchObject({ trust: 'CONFIRMED', eventType: 'applicants/status' });
    const [raw] = await store.read.rawBodiesOf([deliveryId]);
    expect(JSON.parse(String(raw))).toMatchObject({ reviewStatus: 'completed' });
  });

  it('is a duplicate if it repeats a dated status, regardless of the time between', async () => {
    const { store, database } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    const body = completed('GREEN', 60);
    await store.record(response(body, 5000));
    const state = await stateOf(database);
    for (const at of [5100, 50_000, 500_000]) {
      const again = { ...body, elapsedSincePendingMs: at };
      expect(await store.record(response(again, at))).toMatchObject({
        duplicate: true,
        changes: 0,
      });
    }
    expect(await stateOf(database)).toBe(state);
    expect(await store.read.countDeliveries({})).toBe(2);
  });

  it('is stored without a change if it repeats an undated status', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(response(applicant('onHold'), 5000));
    const before = await changes(store);
    for (const at of [5100, 50_000, 500_000]) {
      expect(await store.record(response(applicant('onHold'), at))).toMatchObject({
        duplicate: false,
        disposition: 'UNCHANGED',
        changes: 0,
      });
    }
    expect(await attempts(store)).toEqual(['IN_REVIEW CONFIRMED']);
    expect(await changes(store)).toBe(before);
  });

  it('overrides an event that occurred before it but arrives later, even if it repeats a status', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(response(applicant('awaitingUser'), 1000));
    await store.record(response(applicant('awaitingUser'), 3000));
    await store.record(webhook('applicantOnHold', {}, 2000, 4000));
    expect(await attempts(store)).toEqual(['ACTION_REQUIRED CONFIRMED']);
  });

  it('is applied again after another status', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(response(applicant('onHold'), 1000));
    await store.record(webhook('applicantPending', {}, 2000));
    expect(await store.record(response(applicant('onHold'), 3000))).toMatchObject({
      duplicate: false,
    });
    expect(await attempts(store)).toEqual(['IN_REVIEW CONFIRMED']);
  });

  it('is stale if a webhook overtakes it', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(webhook('applicantReviewed', GREEN, 1000.2, 1000.5));
    const stale = await store.record(response(applicant('onHold'), 1000));
    expect(stale).toMatchObject({ disposition: 'STALE', changes: 0 });
    expect(await attempts(store)).toEqual(['APPROVED SIGNED']);
    // A later response with the same status is applied.
    expect(await store.record(response(applicant('onHold'), 9000))).toMatchObject({
      duplicate: false,
      disposition: 'APPLIED',
    });
  });

  it('voids the approval if the applicant is back at the beginning', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantReviewed', GREEN, 10));
    await store.record(response(applicant('init'), 1000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED', 'PENDING CONFIRMED']);
    await store.record(response(applicant('init'), 2000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED', 'PENDING CONFIRMED']);
  });

  it('sorts after all webhooks in the second of its timestamp', async () => {
    const { store } = await openTestStore();
    await store.record(response(completed('GREEN', 10), 1000));
    await store.record(webhook('applicantPending', {}, 10.5, 2000));
    await store.record(webhook('applicantReviewed', GREEN, 10.9, 2001));
    expect(await attempts(store)).toEqual(['APPROVED CONFIRMED']);
  });

  it('never changes live attempts if it comes from the test environment', async () => {
    const { store } = await openTestStore({ acceptSandbox: false });
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(answer('sumsub', `sandbox/${STATUS}`, completed('GREEN', 60), second(1000)));
    const [user] = await store.read.usersByIds([1]);
    expect(user?.verificationStatus).toBe('NOT_VERIFIED');
  });

  it('is quarantined once if it cannot be parsed, and is applied on replay', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    for (const at of [1000, 2000]) {
      const invalid = await store.record(response(applicant('purple', { at }), at));
      expect(invalid).toMatchObject({ disposition: 'QUARANTINED', duplicate: at === 2000 });
    }
    await store.record(webhook('applicantReviewed', GREEN, 1500));
    await store.replay({
      selection: { disposition: 'QUARANTINED' },
      dryRun: false,
      changeActor: 'test',
      auditActor: 'test',
      now: second(3000),
      reread: ({ trust, receivedAt }) => {
        expect(trust).toBe('CONFIRMED');
        return response(applicant('onHold'), receivedAt.getTime() / 1000 - DAY / 1000).reading;
      },
    });
    expect(await attempts(store)).toEqual(['APPROVED SIGNED']); // requested before the approval
  });
});

describe('a response of PayCaddy, whose webhooks are unsigned', () => {
  const notification = (status: string, at: number) => ({
    ...delivery('paycaddy', paycaddy(status, 'user-1', at * 10_000_000), second(at)),
    trust: 'TOKEN' as const,
  });
  const active = (isActive: boolean, at: number) =>
    answer('paycaddy', 'v2/endUsers/user-1', { id: 'user-1', isActive, salary: 1 }, second(at));

  it('confirms an approval', async () => {
    const { store } = await openTestStore();
    await store.record(notification('verified', 0.5));
    await store.record(active(true, 1000));
    expect(await attempts(store)).toEqual(['APPROVED CONFIRMED']);
  });

  it('voids a forged approval', async () => {
    const { store } = await openTestStore();
    await store.record(notification('verified', 0.5));
    await store.record(active(false, 1000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED']);
    const [user] = await store.read.usersByIds([1]);
    expect(user?.verificationStatus).toBe('NOT_VERIFIED');
  });

  it('approves again once the account is active', async () => {
    const { store } = await openTestStore();
    await store.record(notification('verified', 0.5));
    await store.record(active(false, 1000));
    await store.record(active(true, 2000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED', 'APPROVED CONFIRMED']);
  });

  it('keeps a review while the account is not active', async () => {
    const { store } = await openTestStore();
    await store.record(notification('reviewNeeded', 0.5));
    await store.record(active(false, 1000));
    expect(await attempts(store)).toEqual(['IN_REVIEW TOKEN']);
  });

  it('is quarantined if it is about another user', async () => {
    const { store } = await openTestStore();
    await store.record(notification('reviewNeeded', 0.5));
    const other = answer(
      'paycaddy',
      'v2/endUsers/user-1',
      { id: 'user-2', isActive: true },
      second(9),
    );
    expect(await store.record(other)).toMatchObject({ disposition: 'QUARANTINED' });
  });
});

describe('a response of P100, which sends no timestamps', () => {
  const notification = (levelStatus: string, attempt: string | undefined, at: number) =>
    delivery('p100', p100('user-1', levelStatus, attempt), second(at));
  const state = (body: object, at: number) =>
    answer('p100', 'v1/kyc/status/user-1', body, second(at));

  it('applies a status that was never delivered', async () => {
    const { store } = await openTestStore();
    await store.record(notification('NOT_VERIFIED', 'VERIFICATION', 1));
    await store.record(
      state({ verificationStatus: 'VERIFIED', attemptStatus: 'SUCCESSFUL' }, 1000),
    );
    expect(await attempts(store)).toEqual(['APPROVED CONFIRMED']);
  });

  it('is stale if a webhook was sent after the request', async () => {
    const { store } = await openTestStore();
    await store.record(notification('NOT_VERIFIED', 'VERIFICATION', 1));
    await store.record(notification('VERIFIED', 'SUCCESSFUL', 1000.2));
    const stale = state(
      { verificationStatus: 'NOT_VERIFIED', attemptStatus: 'VERIFICATION' },
      1000,
    );
    expect(await store.record(stale)).toMatchObject({ disposition: 'STALE', changes: 0 });
    expect(await attempts(store)).toEqual(['APPROVED SIGNED']);
  });

  it('keeps an attempt that the response does not contain', async () => {
    const { store } = await openTestStore();
    await store.record(notification('NOT_VERIFIED', 'VERIFICATION', 1));
    await store.record(state({ verificationStatus: 'NOT_VERIFIED' }, 1000));
    expect(await attempts(store)).toEqual(['IN_PROGRESS SIGNED']);
    await store.record(state({ verificationStatus: 'VERIFIED' }, 2000));
    await store.record(state({ verificationStatus: 'NOT_VERIFIED' }, 3000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED']);
  });

  it('adds nothing to the change log for a repeated status', async () => {
    const { store } = await openTestStore();
    await store.record(notification('VERIFIED', 'SUCCESSFUL', 1));
    const before = await changes(store);
    for (const at of [1000, 2000, 900_000]) {
      await store.record(
        state({ verificationStatus: 'VERIFIED', attemptStatus: 'SUCCESSFUL' }, at),
      );
    }
    expect(await changes(store)).toBe(before);
  });
});

// ── Random histories ────────────────────────────────────────────────────────────────────────────────────────────

const STATUSES = ['init', 'pending', 'onHold', 'awaitingUser', 'GREEN', 'RED'] as const;
type RawStatus = (typeof STATUSES)[number];

const STATUS_BY_RAW: Record<RawStatus, string> = {
  init: 'PENDING',
  pending: 'IN_PROGRESS',
  onHold: 'IN_REVIEW',
  awaitingUser: 'ACTION_REQUIRED',
  GREEN: 'APPROVED',
  RED: 'REJECTED',
};

const WEBHOOKS: Record<RawStatus, readonly [string, object]> = {
  init: ['applicantReset', {}],
  pending: ['applicantPending', {}],
  onHold: ['applicantOnHold', {}],
  awaitingUser: ['applicantAwaitingUser', {}],
  GREEN: ['applicantReviewed', GREEN],
  RED: ['applicantReviewed', { ...GREEN, reviewResult: { reviewAnswer: 'RED' } }],
};

const step = fc.record({
  rawStatus: fc.constantFrom(...STATUSES),
  gap: fc.integer({ min: 1, max: 400 }),
  /** Delay of each arrival, in seconds. Lost, delivered once, or delivered twice. */
  arrivals: fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 2 }),
});

const check = fc.record({
  at: fc.integer({ min: 0, max: 4000 }),
  /** Time until the provider reads the status, and from then until the response arrives, in milliseconds. */
  toProvider: fc.integer({ min: 0, max: 20_000 }),
  back: fc.integer({ min: 0, max: 20_000 }),
});

it('ends in the true status after a final check, regardless of lost, duplicate, late and overtaken events', async () => {
  const { store } = await openTestStore();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 8 }),
      fc.array(check, { maxLength: 3 }),
      fc.integer({ min: -50_000, max: 50_000 }), // our clock minus the provider's clock
      async (steps, checks, skewMs) => {
        runs += 1;
        const applicantId = `applicant-${runs}`;
        const history: { readonly rawStatus: RawStatus; readonly at: number }[] = [];
        let now = 100;
        for (const { rawStatus, gap } of steps) {
          now += gap;
          history.push({ rawStatus, at: now });
        }
        // The first webhook always arrives: the gateway checks only known identities.
        const known = { rawStatus: 'pending', at: 1 } as const;
        const end = now + 200;
        const allChecks = [...checks, { at: end, toProvider: 100, back: 100 }];

        const ours = (at: number) => new Date(DAY + at * 1000 + skewMs);
        const webhooks = [
          { ...known, arrivals: [0] },
          ...history.map((entry, index) => ({
            ...entry,
            arrivals: steps[index]?.arrivals ?? [],
          })),
        ].flatMap(({ rawStatus, at, arrivals }) =>
          arrivals.map((delay) => {
            const [type, rest] = WEBHOOKS[rawStatus];
            const body = sumsub(type, { applicantId, ...rest }, at * 1000);
            return { arrivesAt: at + delay, received: delivery('sumsub', body, ours(at + delay)) };
          }),
        );
        // Checks of one account never overlap.
        let free = 2;
        const responses = [...allChecks]
          .sort((a, b) => a.at - b.at)
          .map(({ at, toProvider, back }) => {
            const start = Math.max(at, free);
            const readAt = start + toProvider / 1000;
            const arrivesAt = readAt + back / 1000;
            free = arrivesAt + 60;
            const { rawStatus, at: since } =
              [known, ...history].findLast((entry) => entry.at <= readAt) ?? known;
            const body =
              rawStatus === 'GREEN' || rawStatus === 'RED'
                ? completed(rawStatus, since)
                : applicant(rawStatus);
            return {
              arrivesAt,
              received: answer('sumsub', `applicants/${applicantId}/status`, body, ours(start)),
            };
          });
        for (const { received } of [...webhooks, ...responses].sort(
          (a, b) => a.arrivesAt - b.arrivesAt,
        )) {
          await store.record(received);
        }

        const user = await store.read.userByIdentity('sumsub', applicantId);
        const { rows } = await store.read.attempts(
          { userIds: [user?.id ?? 0] },
          { field: 'STARTED_AT', direction: 'ASC' },
          { first: 100 },
        );
        const last = history.at(-1)?.rawStatus ?? 'pending';
        expect(rows.at(-1)?.row).toMatchObject({ status: STATUS_BY_RAW[last] });
        // An open status does not contain the decision before it, which may have been lost.
        if (last === 'GREEN') expect(user?.verificationStatus).toBe('VERIFIED');
        if (last === 'RED' || last === 'init') {
          expect(user?.verificationStatus).toBe('NOT_VERIFIED');
        }
      },
    ),
    { numRuns: runCount(100, 15) },
  );
}, 120_000);
