/**
 * Vendors that lose webhooks, send others twice, and all of them out of order.
 *
 * What never arrived nobody knows: the state has to be that of a gateway which was told what did arrive, once and in order.
 * Once the vendors can be asked, `reconciled` is the place to ask them, and the plan to compare with is the whole one.
 */

import type { Drill } from './drill';
import { holdTrial } from './trial';

export const unreliableVendors: Drill = {
  name: 'unreliable-vendors',
  about: '30 % of webhooks never come, 20 % twice, all out of order',
  engines: ['sqlite', 'postgres'],
  cycles: 1,
  postsPerCycle: 3000,
  hold: (setting) =>
    holdTrial(setting, { mishaps: { dropped: 0.3, repeated: 0.2 } }, async ({ sending }) => {
      await sending.done;
      return reconciled();
    }),
};

function reconciled(): string {
  return 'not reconciled: what never came is not known';
}
