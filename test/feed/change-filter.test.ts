import type { Change } from '../../src/domain/change';
import { matchesFilter } from '../../src/feed/change-filter';
import type { ChangeFilter } from '../../src/store/read/filters';
import { aChange, aMerge } from '../support/changes';

const approval = aChange({
  seq: 1,
  userId: 7,
  attemptStatus: 'APPROVED',
  verificationStatus: 'VERIFIED',
});
const progress = aChange({ seq: 2, userId: 7 });
const merge = aMerge(3, 7, 8);

describe('matchesFilter', () => {
  it.each<[string, ChangeFilter, Change, boolean]>([
    ['matches every entry if the filter is empty', {}, progress, true],
    ['matches an entry of one of the users', { userIds: [6, 7] }, progress, true],
    ['rejects an entry of another user', { userIds: [6] }, progress, false],
    ['rejects every entry if the list of users is empty', { userIds: [] }, progress, false],
    ['matches a merge by the merged user', { userIds: [7] }, merge, true],
    ['matches a merge by the remaining user', { userIds: [8] }, merge, true],
    ['rejects a merge of other users', { userIds: [9] }, merge, false],
    ['matches an entry of the provider', { provider: 'sumsub' }, progress, true],
    ['rejects an entry of another provider', { provider: 'p100' }, progress, false],
    ['rejects an entry without a provider', { provider: 'sumsub' }, merge, false],
    ['matches an entry at the level', { levelKey: 'sumsub/basic-kyc-level' }, progress, true],
    ['rejects an entry at another level', { levelKey: 'sumsub/other' }, progress, false],
    ['matches an attempt status', { attemptStatus: ['APPROVED'] }, approval, true],
    ['rejects another attempt status', { attemptStatus: ['REJECTED'] }, approval, false],
    ['rejects an entry without an attempt', { attemptStatus: ['APPROVED'] }, merge, false],
    ['matches a user status', { verificationStatus: ['VERIFIED'] }, approval, true],
    ['rejects another user status', { verificationStatus: ['VERIFIED'] }, progress, false],
    ['matches a changed user status', { verificationStatusChanged: true }, approval, true],
    ['rejects an unchanged user status', { verificationStatusChanged: true }, progress, false],
    ['matches an unchanged user status', { verificationStatusChanged: false }, progress, true],
    ['rejects a changed user status', { verificationStatusChanged: false }, approval, false],
    [
      'rejects an entry that meets only one of two conditions',
      { userIds: [7], provider: 'p100' },
      progress,
      false,
    ],
  ])('%s', (_, filter, change, expected) => {
    expect(matchesFilter(change, filter)).toBe(expected);
  });
});
