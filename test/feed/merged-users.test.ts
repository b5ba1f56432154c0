import { addMergedUsers } from '../../src/feed/merged-users';
import { aChange, aMerge } from '../support/changes';

function mergedWith(userIds: readonly number[], ...changes: Parameters<typeof addMergedUsers>[1]) {
  const result = new Set(userIds);
  addMergedUsers(result, changes);
  return [...result].sort((a, b) => a - b);
}

describe('who is one person', () => {
  it('is the user alone while nobody was merged', () => {
    expect(mergedWith([1], aChange({ seq: 1, userId: 2 }))).toEqual([1]);
  });

  it('is found from either side of a merge', () => {
    expect(mergedWith([1], aMerge(1, 1, 2))).toEqual([1, 2]);
    expect(mergedWith([2], aMerge(1, 1, 2))).toEqual([1, 2]);
  });

  it('is found through a chain, whatever the order of reading', () => {
    expect(mergedWith([4], aMerge(1, 1, 2), aMerge(2, 2, 3), aMerge(3, 3, 4))).toEqual([
      1, 2, 3, 4,
    ]);
    expect(mergedWith([1], aMerge(1, 1, 2), aMerge(2, 5, 6), aMerge(3, 2, 3))).toEqual([1, 2, 3]);
  });
});
