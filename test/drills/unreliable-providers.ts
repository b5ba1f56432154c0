/**
 * Providers that lose webhooks, send some twice, and send all of them out of order.
 *
 * A lost webhook is unknown to the gateway. The state must equal that of a gateway that received the arrived webhooks once and
 * in order.
 */

import type { Drill } from './trial/drill';
import { holdTrial } from './trial/trial';

export const unreliableProviders: Drill = {
  name: 'unreliable-providers',
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
