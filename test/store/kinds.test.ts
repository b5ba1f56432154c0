/** Persons and companies do not verify each other, for any order of deliveries. */

import fc from 'fast-check';
import { DEFAULT_POLICY } from '../../src/domain/policy';
import { runCount } from '../support/run-count';
import { closeTestStores, openTestStore, type TestStore } from './open-test-store';
import { delivery, p100, sumsub } from './provider-deliveries';

const NOW = new Date('2024-06-01T12:00:00Z');
const PAGE = { first: 10 };
const NEWEST = { field: 'CREATED_AT', direction: 'DESC' } as const;
const LATEST = { field: 'STARTED_AT', direction: 'DESC' } as const;
const GREEN = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };

function review(user: string, kind: 'individual' | 'company', levelName: string) {
  const applicant = { applicantId: `${kind}-${user}`, externalUserId: user, applicantType: kind };
  const body = sumsub('applicantReviewed', { ...applicant, ...GREEN, levelName }, 1);
  return delivery('sumsub', body, NOW);
}

const company = (user: string) => review(user, 'company', 'kyb');
const person = (user: string) => delivery('p100', p100(user, 'NOT_VERIFIED', 'PENDING'), NOW);

const userOf = async ({ store }: Pick<TestStore, 'store'>, user: string) =>
  await store.read.userByExternalId(user);

it('reads the kind of a Sumsub applicant and filters by it', async () => {
  const { store } = await openTestStore();
  await store.record(company('acme'));
  await store.record(review('ada', 'individual', 'basic'));
  expect(await userOf({ store }, 'acme')).toMatchObject({
    kind: 'COMPANY',
    verificationStatus: 'VERIFIED',
  });
  expect(await userOf({ store }, 'ada')).toMatchObject({ kind: 'PERSON' });
  const users = await store.read.users({ kind: 'COMPANY' }, NEWEST, PAGE);
  expect(users.rows.map(({ row }) => row.externalUserId)).toEqual(['acme']);
  expect(await store.read.countUsers({ kind: 'PERSON' })).toBe(1);
  const attempts = await store.read.attempts({ kind: 'COMPANY' }, LATEST, PAGE);
  expect(attempts.rows.map(({ row }) => [row.levelKey, row.kind])).toEqual([
    ['sumsub/kyb', 'COMPANY'],
  ]);
  expect(await store.read.countAttempts({ kind: 'PERSON' })).toBe(1);
});

it('keeps the kind if later deliveries omit it', async () => {
  const { store } = await openTestStore();
  await store.record(company('acme'));
  const silent = { applicantId: 'company-acme', externalUserId: 'acme', levelName: 'kyb' };
  await store.record(delivery('sumsub', sumsub('applicantPending', silent, 2), NOW));
  expect(await userOf({ store }, 'acme')).toMatchObject({ kind: 'COMPANY' });
});

it('does not verify a person through a company with the same external user ID, in any order', async () => {
  const policy = {
    ...DEFAULT_POLICY,
    verified: { anyOf: [{ level: 'sumsub/kyb' }, { level: 'sumsub/basic' }] },
  };
  const history = [company('x'), person('x'), company('y'), review('y', 'individual', 'basic')];
  await fc.assert(
    fc
      .asyncProperty(fc.shuffledSubarray(history, { minLength: 4 }), async (deliveries) => {
        const { store } = await openTestStore({ policy });
        for (const one of deliveries) await store.record(one);
        expect(await userOf({ store }, 'x')).toMatchObject({
          kind: 'PERSON',
          verificationStatus: 'NOT_VERIFIED',
        });
        const y = await userOf({ store }, 'y');
        expect(y).toMatchObject({ kind: 'PERSON', verificationStatus: 'VERIFIED' });
        const [levels] = await store.read.levelsOf([y?.id ?? 0]);
        expect(levels?.map(({ levelKey }) => levelKey)).toEqual(['sumsub/basic']);
        const [identities] = await store.read.identitiesOf([y?.id ?? 0]);
        expect(identities?.map(({ kind }) => kind).sort()).toEqual(['COMPANY', 'PERSON']);
      })
      .afterEach(closeTestStores),
    { numRuns: runCount(6, 2) },
  );
}, 60_000);

it('rejects a link between a person and an identity of a company, and vice versa', async () => {
  const { store } = await openTestStore();
  await store.record(company('acme'));
  await store.record(person('ada'));
  const idOf = async (user: string) => (await userOf({ store }, user))?.id ?? 0;
  const link = { changeActor: 'desk', auditActor: 'ApiKey:1 desk', now: NOW };
  expect(
    await store.linkIdentity({
      ...link,
      provider: 'sumsub',
      subjectRef: 'company-acme',
      userId: await idOf('ada'),
    }),
  ).toEqual({ ok: false, fault: 'KIND_MISMATCH' });
  expect(
    await store.linkIdentity({
      ...link,
      provider: 'p100',
      subjectRef: 'ada',
      userId: await idOf('acme'),
    }),
  ).toEqual({ ok: false, fault: 'KIND_MISMATCH' });
  const placeholder = await store.linkIdentity({
    ...link,
    provider: 'paycaddy',
    subjectRef: 'not-yet-seen',
    userId: await idOf('acme'),
  });
  expect(placeholder).toMatchObject({ ok: true });
  expect(await userOf({ store }, 'acme')).toMatchObject({ kind: 'COMPANY' });
});
