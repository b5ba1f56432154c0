/** Status check candidates are read from an index, in its order. */

import type { CandidateKind } from '../../../src/store/status-checks';
import { change, query } from '../../support/databases';
import { openTestStore } from '../open-test-store';

const MANY = `
  INSERT INTO users (id, verification_status, active, created_at, updated_at)
    VALUES (1, 'NOT_VERIFIED', true, '2024', '2024');
  INSERT INTO identities (id, user_id, provider, subject_ref, state, linked, created_at)
    VALUES (1, 1, 'sumsub', 'applicant-1', 'ACTIVE', false, '2024');
  INSERT INTO levels (key, provider, name, kind) VALUES ('sumsub:basic', 'sumsub', 'basic', 'LEVEL');
  INSERT INTO attempts (id, identity_id, user_id, level_key, number, status, provider_status, review_reasons, trust,
      sandbox, started_at, updated_at, decided_at)
    SELECT n, 1, 1, 'sumsub:basic', n, CASE n % 100 WHEN 0 THEN 'PENDING' ELSE 'APPROVED' END, '', '[]',
      CASE n % 100 WHEN 1 THEN 'TOKEN' ELSE 'SIGNED' END, false, '2024', '2024-' || n,
      CASE n % 100 WHEN 0 THEN NULL ELSE '2024' END
    FROM generate_series(1, 20000) n;
  ANALYZE;`;

const KINDS: readonly (readonly [CandidateKind, string])[] = [
  ['OPEN', 'attempts_to_check'],
  ['UNCONFIRMED', 'attempts_unconfirmed'],
  ['QUIET', 'attempts_by_update'],
];

it('reads candidates of every kind from an index of its own', async () => {
  const sent: string[] = [];
  const { store, database } = await openTestStore({}, { onQuery: (sql) => sent.push(sql) });
  await change(database, MANY);
  for (const [kind, index] of KINDS) {
    sent.length = 0;
    const found = await store.statusChecks.candidates({
      kind,
      updatedBefore: undefined,
      after: undefined,
      limit: 5,
    });
    expect(found).toHaveLength(5);
    const [sql = ''] = sent;
    // Parameters: updatedBefore, after.updatedAt, after.attemptId, limit.
    const values = ["'9999'", "''", '0', '5'];
    const plan = await query<{ 'QUERY PLAN': string }>(
      database,
      `EXPLAIN ${sql.replace(/\?/g, () => values.shift() ?? '')}`,
    );
    const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(lines).toContain(`Index Scan using ${index} on attempts a`);
    expect(lines).not.toContain('Seq Scan on attempts');
  }
});
