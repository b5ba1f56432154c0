/** Maps many rows without blocking the event loop. */

import { setImmediate } from 'node:timers/promises';

/** Rows per slice. Decrypting this many takes about a millisecond. */
const SLICE = 50;

/** Maps the items in order and yields to the event loop after each slice. */
export async function mapInSlices<In, Out>(
  items: readonly In[],
  map: (item: In) => Out,
): Promise<readonly Out[]> {
  const mapped: Out[] = [];
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % SLICE === 0) await setImmediate();
    mapped.push(map(item));
  }
  return mapped;
}
