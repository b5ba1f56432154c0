/** Tests the candidates of status checks, and that two processes never check at the same time. */

import { toInstantText } from '../../src/domain/instant';
import type { CandidateKind } from '../../src/store/status-checks';
import { openTestStore } from './open-test-store';
import { delivery, paycaddy, sumsub } from './provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const inMs = (ms: number) => new Date(NOW.getTime() + ms);

async function twoAccounts() {
  const opened = await openTestStore();
  const { store } = opened;
  await store.record(delivery('sumsub', sumsub('applicantPending', {}, 1), NOW));
  const verified = delivery('paycaddy', paycaddy('verified', 'user-1', 5), NOW);
  await store.record({ ...verified, trust: 'TOKEN' });
  return opened;
}

describe('candidates', () => {
  it.each<[CandidateKind, readonly string[]]>([
    ['OPEN', ['sumsub']],
    ['UNCONFIRMED', ['paycaddy']],
    ['QUIET', ['paycaddy', 'sumsub']],
  ])('of the kind %s belong to %s, page by page', async (kind, expected) => {
    const { store } = await twoAccounts();
    const found: string[] = [];
    const next = (last?: { updatedAt: string; attemptId: number }) =>
      store.statusChecks.candidates({
        kind,
        updatedBefore: toInstantText(NOW),
        after: last,
        limit: 1,
      });
    for (let page = await next(); page.length > 0; page = await next(page.at(-1))) {
      found.push(...page.map(({ provider }) => provider));
    }
    expect(found).toEqual(expected);
  });

  it('of a user are one per identity and one per open action', async () => {
    const { store } = await twoAccounts();
    const action = (ref: string, type: string, ms: number) => {
      const fields = { applicantActionId: ref, levelName: 'card', reviewStatus: 'completed' };
      const reviewResult = { reviewAnswer: 'GREEN' };
      return store.record(delivery('sumsub', sumsub(type, { ...fields, reviewResult }, ms), NOW));
    };
    await action('open', 'applicantActionPending', 2);
    await action('decided', 'applicantActionReviewed', 3);
    const user = await store.read.userByIdentity('sumsub', 'applicant-1');
    const found = await store.statusChecks.candidatesForUser(user?.id ?? 0);

    expect(found).toMatchObject([
      { actionId: null, levelKind: 'LEVEL' },
      {
        actionId: expect.any(Number),
        attemptRef: 'open',
        levelKind: 'ACTION',
        lastCheckedAt: null,
      },
    ]);
    await store.statusChecks.claim(found.slice(1), NOW, 60_000);
    const again = await store.statusChecks.candidatesForUser(user?.id ?? 0);
    expect(again.map(({ lastCheckedAt }) => lastCheckedAt)).toEqual([null, NOW]);
  });

  it('of a user are one per identity', async () => {
    const { store } = await twoAccounts();
    const user = await store.read.userByIdentity('sumsub', 'applicant-1');
    const found = await store.statusChecks.candidatesForUser(user?.id ?? 0);
    expect(found).toMatchObject([
      { provider: 'sumsub', subjectRef: 'applicant-1', lastCheckedAt: null },
    ]);
  });
});

describe('a claim', () => {
  const ONE = { identityId: 1, actionId: null };
  const TWO = { identityId: 2, actionId: null };
  const ACTION = { identityId: 1, actionId: 7 };

  it('blocks other claims for the given time', async () => {
    const { store } = await twoAccounts();
    const claim = (now: Date) => store.statusChecks.claim([ONE, TWO], now, 60_000);
    expect(await claim(NOW)).toEqual([ONE, TWO]);
    expect(await claim(inMs(59_000))).toEqual([]);
    expect(await claim(inMs(60_000))).toEqual([ONE, TWO]);
  });

  it('can be removed', async () => {
    const { store } = await twoAccounts();
    await store.statusChecks.claim([ONE, TWO], NOW, 60_000);
    await store.statusChecks.disclaim([TWO]);
    expect(await store.statusChecks.claim([ONE, TWO], NOW, 60_000)).toEqual([TWO]);
  });

  it('on an identity does not block its actions, nor the reverse', async () => {
    const { store } = await twoAccounts();
    const claim = (now: Date) => store.statusChecks.claim([ONE, ACTION], now, 60_000);
    await store.statusChecks.claim([ONE], NOW, 60_000);
    expect(await claim(NOW)).toEqual([ACTION]);
    await store.statusChecks.disclaim([ACTION]);
    expect(await claim(NOW)).toEqual([ACTION]);
  });

  it('is void after the clock was set back', async () => {
    const { store } = await twoAccounts();
    await store.statusChecks.claim([ONE], NOW, 60_000);
    expect(await store.statusChecks.claim([ONE], inMs(-3_600_000), 60_000)).toEqual([ONE]);
  });
});

describe('the lease', () => {
  it('belongs to one holder until it ends or is released', async () => {
    const { store } = await twoAccounts();
    const lease = (holder: string, now: Date) => store.statusChecks.lease(holder, now, 60_000);
    expect(await lease('a', NOW)).toBe(true);
    expect(await lease('b', inMs(30_000))).toBe(false);
    expect(await lease('a', inMs(30_000))).toBe(true); // renewed
    expect(await lease('b', inMs(80_000))).toBe(false);
    expect(await lease('b', inMs(91_000))).toBe(true);
    await store.statusChecks.release('a'); // which does not hold it any more
    expect(await lease('a', inMs(92_000))).toBe(false);
    await store.statusChecks.release('b');
    expect(await lease('a', inMs(92_000))).toBe(true);
  });

  it('is given to one of many concurrent requests', async () => {
    const { store } = await twoAccounts();
    const holders = Array.from({ length: 20 }, (_, index) => `holder-${index}`);
    const given = await Promise.all(
      holders.map((one) => store.statusChecks.lease(one, NOW, 60_000)),
    );
    expect(given.filter(Boolean)).toHaveLength(1);
  });

  it('is void after the clock was set back', async () => {
    const { store } = await twoAccounts();
    await store.statusChecks.lease('a', NOW, 60_000);
    expect(await store.statusChecks.lease('b', inMs(-3_600_000), 60_000)).toBe(true);
  });
});
