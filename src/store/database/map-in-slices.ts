/** Long work on many rows, during which other requests are served. */

import { setImmediate } from 'node:timers/promises';

/** Rows decrypted at a time take about a millisecond. */
const SLICE = 50;

/** Maps the items in order, and gives way to other work after every few of them. */
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
