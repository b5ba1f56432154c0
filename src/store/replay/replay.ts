/** Creates the replay of a store, and its dry run. */

import type { StoredDelivery } from '../../domain/delivery';
import type { StateRules } from '../../domain/fold/user';
import { createUnitOfWork } from '../../projector/unit-of-work';
import type { Connection, Database } from '../database/database';
import type { DedupDigests } from '../keys/dedup-digests';
import type { RunUnitOfWork } from '../write/run-unit-of-work';
import {
  type ReplayDeliveries,
  type ReplayOptions,
  type ReplayOutcome,
  replayDeliveries,
} from './replay-deliveries';
import { selectDeliveries } from './stored-deliveries';

export interface CreateReplayOptions
  extends Pick<ReplayOptions, 'checkRules' | 'keyRing' | 'erasureDigests' | 'onFault'> {
  readonly database: Pick<Database, 'longSnapshot'>;
  readonly runUnitOfWork: RunUnitOfWork;
  readonly dedupDigests: DedupDigests;
  readonly rules: StateRules;
}

export function createReplay({
  database,
  runUnitOfWork,
  dedupDigests,
  ...options
}: CreateReplayOptions): (input: ReplayDeliveries) => Promise<ReplayOutcome> {
  return async function replay(input) {
    const rules = { ...options.rules, now: input.now };
    const reread = (stored: StoredDelivery) => dedupDigests(input.reread(stored));
    const select = (reading: Connection) => selectDeliveries(reading, input.selection);
    const run = (ids: readonly number[], step: RunUnitOfWork) =>
      replayDeliveries({ ...options, step, rules }, { ...input, reread }, ids);

    if (!input.dryRun) return await run(await database.longSnapshot(select), runUnitOfWork);
    return await database.longSnapshot(async (reading) => {
      return await run(await select(reading), createDryRun(reading));
    });
  };
}

/** Writes nothing. All steps share one unit of work, so that each reads the effects of the previous ones. */
function createDryRun(reading: Connection): RunUnitOfWork {
  let unit = createUnitOfWork();
  return async (work) => {
    try {
      const result = await work(unit, reading);
      unit.updatedDeliveries.length = 0; // never saved, and they contain the bodies
      return result;
    } catch (error) {
      unit = createUnitOfWork(); // partly changed: the next step starts without the effects of the previous ones
      throw error;
    }
  };
}
