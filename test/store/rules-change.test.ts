/** A start with another policy: what it takes away, and what it refuses. */

import type { Policy } from '../../src/domain/policy';
import { openStore, type StoreLog } from '../../src/store/open-store';
import { openTestStore, SILENT, type TestStore } from './open-test-store';
import { delivery, sumsub } from './provider-deliveries';

const NOW = new Date('2024-06-01T12:00:00Z');
const GUARD = { maxLossPercent: 10, force: false };
const rule = (...levels: string[]): Policy => ({
  verified: { anyOf: levels.map((level) => ({ level })) },
  expiresAfterMs: {},
});
const CORRECT = rule('sumsub/basic', 'sumsub/plus');
const MISSPELT = rule('sumsub/basci');

async function storeWith(basic: number, plus: number, log: StoreLog = SILENT): Promise<TestStore> {
  const opened = await openTestStore(
    { policy: CORRECT, policyGuard: GUARD },
    { clock: () => NOW },
    log,
  );
  const levels = [...Array(basic).fill('basic'), ...Array(plus).fill('plus')];
  await Promise.all(
    levels.map((levelName, index) => {
      const review = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };
      const applicant = { applicantId: `applicant-${index}`, levelName };
      const body = sumsub('applicantReviewed', { ...applicant, ...review }, index);
      return opened.store.record(delivery('sumsub', body, NOW));
    }),
  );
  return opened;
}

const verified = ({ store }: { store: TestStore['store'] }) =>
  store.read.countUsers({ verificationStatus: ['VERIFIED'] });

// Regression: the start took VERIFIED from every user, with one line at level info.
it('refuses rules that take VERIFIED from too many users, and changes nothing', async () => {
  const opened = await storeWith(12, 0);
  const head = await opened.store.read.head();
  const start = openStore({ ...opened.config, policy: MISSPELT }, SILENT, { clock: () => NOW });
  await expect(start).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    faults: [expect.stringMatching(/12 of 12.*POLICY_FORCE/)],
  });
  expect(await verified(opened)).toBe(12);
  const again = await opened.reopen();
  expect(await again.read.head()).toBe(head);
});

it('applies them if forced, and logs how many users change each way', async () => {
  const logged: object[] = [];
  const warned: object[] = [];
  const log = {
    ...SILENT,
    info: (record: object) => logged.push(record),
    warn: (record: object) => warned.push(record),
  };
  const opened = await storeWith(3, 2, log);
  warned.length = 0;
  const store = await opened.reopen({ policy: MISSPELT, policyGuard: { ...GUARD, force: true } });
  expect(logged.at(-1)).toEqual({ users: 5, verified: 5, lost: 5, gained: 0 });
  expect(warned).toEqual([{ levels: ['sumsub/basci'] }]);
  expect(await verified({ store })).toBe(0);
  await opened.reopen({ policy: rule('sumsub/plus') });
  expect(logged.at(-1)).toEqual({ users: 5, verified: 0, lost: 0, gained: 2 });
});

it.each([
  [9, 1, true],
  [8, 1, false],
])(
  'counts the share among the VERIFIED users: %i keep it, %i loses it',
  async (kept, lost, allowed) => {
    const opened = await storeWith(kept, lost);
    const start = openStore({ ...opened.config, policy: rule('sumsub/basic') }, SILENT, {
      clock: () => NOW,
    }).then((store) => store.close());
    if (allowed) await start;
    else await expect(start).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await verified(opened)).toBe(allowed ? kept : kept + lost);
  },
);

it('does not count approvals that have run out while no gateway was running', async () => {
  const opened = await storeWith(3, 0);
  const lasting = { ...CORRECT, expiresAfterMs: { '*': 1_000 } };
  const later = { clock: () => new Date(NOW.getTime() + 60_000) };
  const force = { ...GUARD, force: true };
  await (
    await openStore({ ...opened.config, policy: lasting, policyGuard: force }, SILENT, later)
  ).close();
  const restricted = { ...lasting, verified: { level: 'sumsub/basci' } };
  await (await openStore({ ...opened.config, policy: restricted }, SILENT, later)).close();
  expect(await verified(opened)).toBe(0);
});
