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

describe('what a filter lets through', () => {
  it.each<[string, ChangeFilter, Change, boolean]>([
    ['everything if it says nothing', {}, progress, true],
    ['an entry about one of the users', { userIds: [6, 7] }, progress, true],
    ['no entry about another user', { userIds: [6] }, progress, false],
    ['nothing if the list of users is empty', { userIds: [] }, progress, false],
    ['a merge, for those who ask about the user that is gone', { userIds: [7] }, merge, true],
    ['a merge, for those who ask about the user that stays', { userIds: [8] }, merge, true],
    ['no merge of others', { userIds: [9] }, merge, false],
    ['an entry of the provider', { provider: 'sumsub' }, progress, true],
    ['no entry of another provider', { provider: 'p100' }, progress, false],
    ['no entry without a provider, if one is asked for', { provider: 'sumsub' }, merge, false],
    ['an entry at the level', { levelKey: 'sumsub/basic-kyc-level' }, progress, true],
    ['no entry at another level', { levelKey: 'sumsub/other' }, progress, false],
    ['an attempt status asked for', { attemptStatus: ['APPROVED'] }, approval, true],
    ['no other attempt status', { attemptStatus: ['REJECTED'] }, approval, false],
    [
      'no entry without an attempt, if its status counts',
      { attemptStatus: ['APPROVED'] },
      merge,
      false,
    ],
    ['a user status asked for', { verificationStatus: ['VERIFIED'] }, approval, true],
    ['no other user status', { verificationStatus: ['VERIFIED'] }, progress, false],
    [
      'a changed status, if changes are asked for',
      { verificationStatusChanged: true },
      approval,
      true,
    ],
    ['no unchanged one then', { verificationStatusChanged: true }, progress, false],
    [
      'an unchanged one, if those are asked for',
      { verificationStatusChanged: false },
      progress,
      true,
    ],
    ['no changed one then', { verificationStatusChanged: false }, approval, false],
    ['only what meets every condition', { userIds: [7], provider: 'p100' }, progress, false],
  ])('%s', (_, filter, change, passes) => {
    expect(matchesFilter(change, filter)).toBe(passes);
  });
});
