/** Answers of the vendors' APIs in the store: what is news, what is a repeat, and what is overtaken. */

import fc from 'fast-check';
import type { Store } from '../../src/store/store';
import { openTestStore, stateOf } from '../store/open-test-store';
import { answer, delivery, p100, paycaddy, sumsub } from '../store/vendor-deliveries';

const DAY = Date.UTC(2024, 0, 1);
/** Seconds into the day. */
const second = (count: number) => new Date(DAY + count * 1000);

const STATUS = 'applicants/applicant-1/status';

function applicant(reviewStatus: string, rest: object = {}) {
  return {
    createDate: '2024-01-01 00:00:00+0000',
    elapsedSincePendingMs: Math.random(), // another one in every answer
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
const asked = (body: object, at: number) => answer('sumsub', STATUS, body, second(at));

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

describe('an answer', () => {
  it('confirms what is held without an entry in the log', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantReviewed', GREEN, 10.4));
    const outcome = await store.record(asked(completed('GREEN', 10), 5000));
    expect(outcome).toMatchObject({ disposition: 'APPLIED', duplicate: false, changes: 0 });
    expect(await attempts(store)).toEqual(['APPROVED CONFIRMED']);
  });

  it('tells what was never delivered, and the log names the answer as its cause', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    const { deliveryId, changes: count } = await store.record(asked(completed('GREEN', 60), 5000));
    expect(count).toBeGreaterThan(0);
    const { changes: log } = await store.read.tail(0, 100, {});
    expect(log.at(-1)).toMatchObject({ verificationStatus: 'VERIFIED', cause: { deliveryId } });
    const [kept] = await store.read.deliveriesByIds([deliveryId]);
    expect(kept).toMatchObject({ trust: 'CONFIRMED', eventType: 'applicants/status' });
    const [raw] = await store.read.rawBodiesOf([deliveryId]);
    expect(JSON.parse(String(raw))).toMatchObject({ reviewStatus: 'completed' });
  });

  it('with a date that is the same again is a repeat, however long after', async () => {
    const { store, database } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    const body = completed('GREEN', 60);
    await store.record(asked(body, 5000));
    const state = await stateOf(database);
    for (const at of [5100, 50_000, 500_000]) {
      const again = { ...body, elapsedSincePendingMs: at };
      expect(await store.record(asked(again, at))).toMatchObject({ duplicate: true, changes: 0 });
    }
    expect(await stateOf(database)).toBe(state);
    expect(await store.read.countDeliveries({})).toBe(2);
  });

  it('without a date that is the same again is kept, and changes nothing', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(asked(applicant('onHold'), 5000));
    const before = await changes(store);
    for (const at of [5100, 50_000, 500_000]) {
      expect(await store.record(asked(applicant('onHold'), at))).toMatchObject({
        duplicate: false,
        disposition: 'UNCHANGED',
        changes: 0,
      });
    }
    expect(await attempts(store)).toEqual(['IN_REVIEW CONFIRMED']);
    expect(await changes(store)).toBe(before);
  });

  it('that is the same again outdoes what was said in between and arrives only later', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(asked(applicant('awaitingUser'), 1000));
    await store.record(asked(applicant('awaitingUser'), 3000));
    await store.record(webhook('applicantOnHold', {}, 2000, 4000));
    expect(await attempts(store)).toEqual(['ACTION_REQUIRED CONFIRMED']);
  });

  it('is news again after another word', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(asked(applicant('onHold'), 1000));
    await store.record(webhook('applicantPending', {}, 2000));
    expect(await store.record(asked(applicant('onHold'), 3000))).toMatchObject({
      duplicate: false,
    });
    expect(await attempts(store)).toEqual(['IN_REVIEW CONFIRMED']);
  });

  it('that is overtaken by a webhook on its way does not win', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(webhook('applicantReviewed', GREEN, 1000.2, 1000.5));
    const stale = await store.record(asked(applicant('onHold'), 1000));
    expect(stale).toMatchObject({ disposition: 'STALE', changes: 0 });
    expect(await attempts(store)).toEqual(['APPROVED SIGNED']);
    // Nor does it hide what is so by now.
    expect(await store.record(asked(applicant('onHold'), 9000))).toMatchObject({
      duplicate: false,
      disposition: 'APPLIED',
    });
  });

  it('that an applicant is back at the beginning takes the approval', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantReviewed', GREEN, 10));
    await store.record(asked(applicant('init'), 1000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED', 'PENDING CONFIRMED']);
    await store.record(asked(applicant('init'), 2000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED', 'PENDING CONFIRMED']);
  });

  it('stands behind all of the second that its date names', async () => {
    const { store } = await openTestStore();
    await store.record(asked(completed('GREEN', 10), 1000));
    await store.record(webhook('applicantPending', {}, 10.5, 2000));
    await store.record(webhook('applicantReviewed', GREEN, 10.9, 2001));
    expect(await attempts(store)).toEqual(['APPROVED CONFIRMED']);
  });

  it('of a test environment never touches the live one', async () => {
    const { store } = await openTestStore({ acceptSandbox: false });
    await store.record(webhook('applicantPending', {}, 10));
    await store.record(answer('sumsub', `sandbox/${STATUS}`, completed('GREEN', 60), second(1000)));
    const [user] = await store.read.usersByIds([1]);
    expect(user?.verificationStatus).toBe('NOT_VERIFIED');
  });

  it('that nobody can read is kept once, and read when that is mended', async () => {
    const { store } = await openTestStore();
    await store.record(webhook('applicantPending', {}, 10));
    for (const at of [1000, 2000]) {
      const odd = await store.record(asked(applicant('purple', { at }), at));
      expect(odd).toMatchObject({ disposition: 'QUARANTINED', duplicate: at === 2000 });
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
        return asked(applicant('onHold'), receivedAt.getTime() / 1000 - DAY / 1000).reading;
      },
    });
    expect(await attempts(store)).toEqual(['APPROVED SIGNED']); // asked before that
  });
});

describe('PayCaddy, which signs nothing', () => {
  const told = (status: string, at: number) => ({
    ...delivery('paycaddy', paycaddy(status, 'user-1', at * 10_000_000), second(at)),
    trust: 'TOKEN' as const,
  });
  const active = (isActive: boolean, at: number) =>
    answer('paycaddy', 'v2/endUsers/user-1', { id: 'user-1', isActive, salary: 1 }, second(at));

  it('is confirmed', async () => {
    const { store } = await openTestStore();
    await store.record(told('verified', 0.5));
    await store.record(active(true, 1000));
    expect(await attempts(store)).toEqual(['APPROVED CONFIRMED']);
  });

  it('is contradicted: what was forged is taken back', async () => {
    const { store } = await openTestStore();
    await store.record(told('verified', 0.5));
    await store.record(active(false, 1000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED']);
    const [user] = await store.read.usersByIds([1]);
    expect(user?.verificationStatus).toBe('NOT_VERIFIED');
  });

  it('is believed again once its API says so', async () => {
    const { store } = await openTestStore();
    await store.record(told('verified', 0.5));
    await store.record(active(false, 1000));
    await store.record(active(true, 2000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED', 'APPROVED CONFIRMED']);
  });

  it('loses no review by not being active yet', async () => {
    const { store } = await openTestStore();
    await store.record(told('reviewNeeded', 0.5));
    await store.record(active(false, 1000));
    expect(await attempts(store)).toEqual(['IN_REVIEW TOKEN']);
  });

  it('of another user is not believed', async () => {
    const { store } = await openTestStore();
    await store.record(told('reviewNeeded', 0.5));
    const other = answer(
      'paycaddy',
      'v2/endUsers/user-1',
      { id: 'user-2', isActive: true },
      second(9),
    );
    expect(await store.record(other)).toMatchObject({ disposition: 'QUARANTINED' });
  });
});

describe('P100, which has no clock', () => {
  const told = (standing: string, attempt: string | undefined, at: number) =>
    delivery('p100', p100('user-1', standing, attempt), second(at));
  const state = (body: object, at: number) =>
    answer('p100', 'v1/kyc/status/user-1', body, second(at));

  it('is asked for what it gave up to deliver', async () => {
    const { store } = await openTestStore();
    await store.record(told('NOT_VERIFIED', 'VERIFICATION', 1));
    await store.record(
      state({ verificationStatus: 'VERIFIED', attemptStatus: 'SUCCESSFUL' }, 1000),
    );
    expect(await attempts(store)).toEqual(['APPROVED CONFIRMED']);
  });

  it('is overtaken by what it said after it was asked', async () => {
    const { store } = await openTestStore();
    await store.record(told('NOT_VERIFIED', 'VERIFICATION', 1));
    await store.record(told('VERIFIED', 'SUCCESSFUL', 1000.2));
    const stale = state(
      { verificationStatus: 'NOT_VERIFIED', attemptStatus: 'VERIFICATION' },
      1000,
    );
    expect(await store.record(stale)).toMatchObject({ disposition: 'STALE', changes: 0 });
    expect(await attempts(store)).toEqual(['APPROVED SIGNED']);
  });

  it('keeps an attempt of which the answer says nothing', async () => {
    const { store } = await openTestStore();
    await store.record(told('NOT_VERIFIED', 'VERIFICATION', 1));
    await store.record(state({ verificationStatus: 'NOT_VERIFIED' }, 1000));
    expect(await attempts(store)).toEqual(['IN_PROGRESS SIGNED']);
    await store.record(state({ verificationStatus: 'VERIFIED' }, 2000));
    await store.record(state({ verificationStatus: 'NOT_VERIFIED' }, 3000));
    expect(await attempts(store)).toEqual(['CANCELLED CONFIRMED']);
  });

  it('writes nothing to the log for the same answer', async () => {
    const { store } = await openTestStore();
    await store.record(told('VERIFIED', 'SUCCESSFUL', 1));
    const before = await changes(store);
    for (const at of [1000, 2000, 900_000]) {
      await store.record(
        state({ verificationStatus: 'VERIFIED', attemptStatus: 'SUCCESSFUL' }, at),
      );
    }
    expect(await changes(store)).toBe(before);
  });
});

// ── Any course of events ────────────────────────────────────────────────────────────────────────────────────────────

const WORDS = ['init', 'pending', 'onHold', 'awaitingUser', 'GREEN', 'RED'] as const;
type Word = (typeof WORDS)[number];

const STATUS_OF: Record<Word, string> = {
  init: 'PENDING',
  pending: 'IN_PROGRESS',
  onHold: 'IN_REVIEW',
  awaitingUser: 'ACTION_REQUIRED',
  GREEN: 'APPROVED',
  RED: 'REJECTED',
};

const WEBHOOKS: Record<Word, readonly [string, object]> = {
  init: ['applicantReset', {}],
  pending: ['applicantPending', {}],
  onHold: ['applicantOnHold', {}],
  awaitingUser: ['applicantAwaitingUser', {}],
  GREEN: ['applicantReviewed', GREEN],
  RED: ['applicantReviewed', { ...GREEN, reviewResult: { reviewAnswer: 'RED' } }],
};

const step = fc.record({
  word: fc.constantFrom(...WORDS),
  gap: fc.integer({ min: 1, max: 400 }),
  /** Seconds until it arrives, each time that it does: never, once or twice. */
  arrivals: fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 2 }),
});

const question = fc.record({
  at: fc.integer({ min: 0, max: 4000 }),
  /** Milliseconds until the vendor looks, and from then until the answer is here. */
  toVendor: fc.integer({ min: 0, max: 20_000 }),
  back: fc.integer({ min: 0, max: 20_000 }),
});

it('ends in the truth, whatever is lost, doubled, late or overtaken, once the vendor was asked', async () => {
  const { store } = await openTestStore();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 8 }),
      fc.array(question, { maxLength: 3 }),
      fc.integer({ min: -50_000, max: 50_000 }), // our clock minus the vendor's
      async (steps, questions, skewMs) => {
        runs += 1;
        const applicantId = `applicant-${runs}`;
        const course: { readonly word: Word; readonly at: number }[] = [];
        let now = 100;
        for (const { word, gap } of steps) {
          now += gap;
          course.push({ word, at: now });
        }
        // The first word always arrives, or nobody would know whom to ask about.
        const known = { word: 'pending', at: 1 } as const;
        const end = now + 200;
        const asks = [...questions, { at: end, toVendor: 100, back: 100 }];

        const ours = (at: number) => new Date(DAY + at * 1000 + skewMs);
        const webhooks = [
          { ...known, arrivals: [0] },
          ...course.map((told, index) => ({ ...told, arrivals: steps[index]?.arrivals ?? [] })),
        ].flatMap(({ word, at, arrivals }) =>
          arrivals.map((delay) => {
            const [type, rest] = WEBHOOKS[word];
            const body = sumsub(type, { applicantId, ...rest }, at * 1000);
            return { here: at + delay, one: delivery('sumsub', body, ours(at + delay)) };
          }),
        );
        // Questions about one account never overlap.
        let free = 2;
        const answers = [...asks]
          .sort((a, b) => a.at - b.at)
          .map(({ at, toVendor, back }) => {
            const start = Math.max(at, free);
            const looked = start + toVendor / 1000;
            const here = looked + back / 1000;
            free = here + 60;
            const { word, at: since } =
              [known, ...course].findLast((one) => one.at <= looked) ?? known;
            const body =
              word === 'GREEN' || word === 'RED' ? completed(word, since) : applicant(word);
            return {
              here,
              one: answer('sumsub', `applicants/${applicantId}/status`, body, ours(start)),
            };
          });
        for (const { one } of [...webhooks, ...answers].sort((a, b) => a.here - b.here)) {
          await store.record(one);
        }

        const user = await store.read.userByIdentity('sumsub', applicantId);
        const { rows } = await store.read.attempts(
          { userIds: [user?.id ?? 0] },
          { field: 'STARTED_AT', direction: 'ASC' },
          { first: 100 },
        );
        const last = course.at(-1)?.word ?? 'pending';
        expect(rows.at(-1)?.row).toMatchObject({ status: STATUS_OF[last] });
        // An open word tells nothing of the decision before it, which may have been lost.
        if (last === 'GREEN') expect(user?.verificationStatus).toBe('VERIFIED');
        if (last === 'RED' || last === 'init') {
          expect(user?.verificationStatus).toBe('NOT_VERIFIED');
        }
      },
    ),
    { numRuns: 300 },
  );
}, 120_000);
