import { mapInSlices } from '../../../src/store/read/identities';

it('maps all items in order, and serves other work in between', async () => {
  let served = 0;
  const other = () => {
    served += 1;
    if (served < 1_000) setImmediate(other);
  };
  setImmediate(other);
  const seen: number[] = [];
  const items = Array.from({ length: 500 }, (_, index) => index);
  const mapped = await mapInSlices(items, (item) => {
    seen.push(served);
    return item * 2;
  });
  expect(mapped).toEqual(items.map((item) => item * 2));
  expect(seen[0]).toBe(0);
  expect(new Set(seen).size).toBeGreaterThanOrEqual(5);
  expect(await mapInSlices([], () => 1)).toEqual([]);
});
