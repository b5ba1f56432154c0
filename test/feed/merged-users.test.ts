import type { Change } from '../../src/domain/change';
import { addUsersMergedIn } from '../../src/feed/merged-users';
import { aChange, aMerge } from '../support/changes';

function mergedWith(userIds: readonly number[], ...changes: readonly Change[]) {
  const result = new Set(userIds);
  addUsersMergedIn(changes, result);
  return [...result].sort((a, b) => a - b);
}

describe('addUsersMergedIn', () => {
  it('adds no user without a merge', () => {
    expect(mergedWith([1], aChange({ seq: 1, userId: 2 }))).toEqual([1]);
  });

  it('follows a merge in both directions', () => {
    expect(mergedWith([1], aMerge(1, 1, 2))).toEqual([1, 2]);
    expect(mergedWith([2], aMerge(1, 1, 2))).toEqual([1, 2]);
  });

  it('follows chains of merges in any order', () => {
    expect(mergedWith([4], aMerge(1, 1, 2), aMerge(2, 2, 3), aMerge(3, 3, 4))).toEqual([
      1, 2, 3, 4,
    ]);
    expect(mergedWith([1], aMerge(1, 1, 2), aMerge(2, 5, 6), aMerge(3, 2, 3))).toEqual([1, 2, 3]);
  });
});
