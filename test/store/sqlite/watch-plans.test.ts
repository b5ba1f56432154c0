/** Monitoring finds stalled attempts by index, independent of the number of other attempts. */

import { DEFAULT_MONITORING_RULES } from '../../../src/domain/monitoring';
import { explain } from '../../support/databases';
import { openTestStore } from '../open-test-store';
import { delivery, sumsub } from '../provider-deliveries';

const NOW = new Date('2024-02-01T12:00:00Z');
const RULE = DEFAULT_MONITORING_RULES.silence;
const DAY_MS = 24 * 60 * 60_000;
const LONG_AGO = new Date(0);
const NEVER = {
  PENDING: LONG_AGO,
  IN_PROGRESS: LONG_AGO,
  ACTION_REQUIRED: LONG_AGO,
  IN_REVIEW: LONG_AGO,
};

function about(user: string) {
  const whose = { applicantId: `applicant-${user}`, externalUserId: user };
  return delivery('sumsub', sumsub('applicantCreated', whose, 1), NOW);
}

describe('every monitoring statement', () => {
  it('reads only an index', async () => {
    const sent: string[] = [];
    const { store, database } = await openTestStore({}, { onQuery: (sql) => sent.push(sql) });
    await store.record(about('ann'));
    const heardFrom = new Date(NOW.getTime() - 9 * DAY_MS);
    await store.record({ ...about('bob'), receivedAt: heardFrom });
    sent.length = 0;
    await store.read.openAttempts(NEVER);
    await store.read.quarantined('sumsub', 100);
    await store.read.silence('sumsub', new Date(NOW.getTime() + DAY_MS), RULE);

    const plans = await Promise.all(sent.map((sql) => explain(database, sql)));
    const reads = plans
      .flat()
      .filter((detail) => /^(SCAN|SEARCH) (attempts|deliveries)/.test(detail));
    expect(sent).toHaveLength(4);
    expect(reads.length).toBeGreaterThan(4);
    expect(reads.filter((detail) => !/INDEX (attempts_open|deliveries_)/.test(detail))).toEqual([]);
    expect(reads.filter((detail) => detail.includes('deliveries_by_'))).toHaveLength(
      reads.length - 2,
    );
    const plan = plans.flat().join('\n');
    expect(plan).toContain('SCAN attempts USING COVERING INDEX attempts_open');
    expect(plan).not.toContain('TEMP B-TREE');
  });
});
