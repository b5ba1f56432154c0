/** Deliveries are found by index, however many there are: without statistics, the plan is the same for none and a million. */

import type { DeliveryFilter } from '../../../src/store/read/filters';
import type { ReplaySelection } from '../../../src/store/replay/stored-deliveries';
import { explain } from '../../support/databases';
import { openTestStore, type TestStore } from '../open-test-store';

const NOW = new Date('2024-02-01T12:00:00Z');
const between = { receivedFrom: NOW, receivedBefore: NOW };
const sent: string[] = [];
let opened: TestStore;

beforeEach(async () => {
  opened = await openTestStore({}, { onQuery: (sql) => sent.push(sql) });
  sent.length = 0;
});

async function planOf(table: string): Promise<string> {
  const statement = sent.find((sql) => sql.includes(`FROM ${table}`)) ?? '';
  return (await explain(opened.database, statement)).join('\n');
}

describe('a page of deliveries', () => {
  it.each<[DeliveryFilter, string]>([
    [{}, 'SCAN d USING INDEX deliveries_by_receipt'],
    [between, 'SEARCH d USING INDEX deliveries_by_receipt (received_at>? AND received_at<?)'],
    [{ provider: 'sumsub' }, 'SEARCH d USING INDEX deliveries_by_provider (provider=?)'],
    [{ provider: 'sumsub', ...between }, 'SEARCH d USING INDEX deliveries_by_provider (provider=?'],
    [{ disposition: ['APPLIED'] }, 'SEARCH d USING INDEX deliveries_by_disposition (disposition=?'],
    [
      { disposition: ['QUARANTINED'], provider: 'sumsub', ...between },
      'SEARCH d USING INDEX deliveries_by_',
    ],
  ])('of %j is read in the order of an index', async (filter, expected) => {
    await opened.store.read.deliveries(filter, { first: 10 });
    const plan = await planOf('deliveries d');
    expect(plan).toContain(expected);
    expect(plan).not.toContain('TEMP B-TREE');
  });
});

describe('a replay', () => {
  it.each<[ReplaySelection, string]>([
    [{ ids: [1] }, 'USING INTEGER PRIMARY KEY'],
    [{ provider: 'sumsub' }, 'INDEX deliveries_by_provider (provider=?'],
    [{ disposition: 'QUARANTINED' }, 'INDEX deliveries_by_disposition (disposition=?'],
    [between, 'INDEX deliveries_by_receipt (received_at>?'],
    [
      { provider: 'sumsub', ...between },
      'INDEX deliveries_by_provider (provider=? AND received_at>?',
    ],
    [{ disposition: 'APPLIED', ...between }, 'INDEX deliveries_by_disposition (disposition=? AND'],
    [{ disposition: 'APPLIED', provider: 'sumsub' }, 'INDEX deliveries_by_'],
  ])('of %j finds them by an index', async (selection, expected) => {
    const reread = () => {
      throw new Error('there is nothing to read');
    };
    await opened.store.replay({
      selection,
      dryRun: true,
      changeActor: 'test',
      auditActor: 'test',
      now: NOW,
      reread,
    });
    expect(await planOf('deliveries ')).toContain(expected);
  });
});
