/** A replay in earnest, step by step, and one that only tells what it would do. */

import type { StateRules } from '../domain/projection';
import type { Connection, Database } from './database';
import { createGraph } from './graph';
import { selectDeliveries } from './kept-deliveries';
import type { Keyed } from './repeat-keys';
import { type ReplayOptions, replayDeliveries } from './replay-deliveries';
import type { KeptDelivery, Store } from './store';
import type { Writer } from './writer';

export interface ReplayCollaborators
  extends Pick<ReplayOptions, 'checkRules' | 'keyRing' | 'pseudonyms' | 'onFault'> {
  readonly database: Pick<Database, 'longSnapshot'>;
  readonly change: Writer['change'];
  readonly keyed: Keyed;
  readonly rules: StateRules;
}

export function createReplay(parts: ReplayCollaborators): Store['replay'] {
  const { database, change, keyed, ...options } = parts;

  return async function replay(input) {
    const rules = { ...options.rules, now: input.now };
    const reread = (kept: KeptDelivery) => keyed(input.reread(kept));
    const select = (reading: Connection) => selectDeliveries(reading, input.selection);
    const run = (ids: readonly number[], step: ReplayOptions['step']) =>
      replayDeliveries({ ...options, step, rules }, { ...input, reread }, ids);

    if (!input.dryRun) return await run(await database.longSnapshot(select), change);
    return await database.longSnapshot(async (reading) => {
      return await run(await select(reading), rehearsal(reading));
    });
  };
}

/** Nothing is written: all that the steps change stays in one graph, so that each sees what those before it did. */
function rehearsal(reading: Connection): ReplayOptions['step'] {
  let graph = createGraph();
  return async (work) => {
    try {
      const result = await work(graph, reading);
      graph.rewrittenDeliveries.length = 0; // nobody saves them, and they hold the bodies
      return result;
    } catch (error) {
      graph = createGraph(); // half changed: what follows is told as if nothing came before
      throw error;
    }
  };
}
