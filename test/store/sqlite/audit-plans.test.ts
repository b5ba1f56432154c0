/** Entries of the audit log are found by index, in the order of the page: without statistics, the plan holds for any number. */

import type { AuditFilter } from '../../../src/store/read/filters';
import { explain } from '../../support/databases';
import { openTestStore } from '../open-test-store';

const NOW = new Date('2024-02-01T12:00:00Z');
const between = { from: NOW, before: NOW };

it.each<[AuditFilter, string]>([
  [{}, 'SCAN e USING INDEX audit_entries_by_time'],
  [between, 'SEARCH e USING INDEX audit_entries_by_time (at>? AND at<?)'],
  [{ action: ['PROFILE_READ'] }, 'SEARCH e USING INDEX audit_entries_by_action (action=?)'],
  [
    { action: ['PROFILE_READ'], ...between },
    'audit_entries_by_action (action=? AND at>? AND at<?)',
  ],
  [{ actor: 'cli:root' }, 'SEARCH e USING INDEX audit_entries_by_actor (actor=?)'],
  [{ subject: 'User:1' }, 'SEARCH e USING INDEX audit_entries_by_subject (subject=?)'],
  [{ subject: 'User:1', actor: 'cli:root', ...between }, 'SEARCH e USING INDEX audit_entries_by_'],
])('a page of those with %j', async (filter, expected) => {
  const sent: string[] = [];
  const { store, database } = await openTestStore({}, { onQuery: (sql) => sent.push(sql) });
  sent.length = 0;
  await store.read.auditEntries(filter, { first: 10 });
  const statement = sent.find((sql) => sql.includes('FROM audit_entries e')) ?? '';
  const plan = (await explain(database, statement)).join('\n');
  expect(plan).toContain(expected);
  expect(plan).not.toContain('TEMP B-TREE');
});
