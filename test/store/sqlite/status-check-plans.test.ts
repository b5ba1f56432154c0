/** Status check candidates are read from an index, in its order. */

import type { CandidateKind } from '../../../src/store/status-checks';
import { explain } from '../../support/databases';
import { openTestStore } from '../open-test-store';

it.each<[CandidateKind, string]>([
  ['OPEN', 'attempts_to_check'],
  ['UNCONFIRMED', 'attempts_unconfirmed'],
  ['QUIET', 'attempts_by_update'],
])('candidates of the kind %s are found by %s, in its order', async (kind, index) => {
  const sent: string[] = [];
  const { store, database } = await openTestStore({}, { onQuery: (sql) => sent.push(sql) });
  sent.length = 0;
  await store.statusChecks.candidates({
    kind,
    updatedBefore: undefined,
    after: undefined,
    limit: 5,
  });
  const [sql = ''] = sent;
  const details = await explain(database, sql);
  expect(details.filter((detail) => / a (USING|$)/.test(detail))[0]).toContain(`INDEX ${index} `);
  expect(details.filter((detail) => detail.startsWith('SCAN '))).toEqual(['SCAN a']);
});
