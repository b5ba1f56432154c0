/** A replay in earnest, step by step, and one that only tells what it would do. */

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

export interface ReplayCollaborators
  extends Pick<ReplayOptions, 'checkRules' | 'keyRing' | 'erasureDigests' | 'onFault'> {
  readonly database: Pick<Database, 'longSnapshot'>;
  readonly runUnitOfWork: RunUnitOfWork;
  readonly dedupDigests: DedupDigests;
  readonly rules: StateRules;
}

export function createReplay(
  parts: ReplayCollaborators,
): (input: ReplayDeliveries) => Promise<ReplayOutcome> {
  const { database, runUnitOfWork, dedupDigests, ...options } = parts;

  return async function replay(input) {
    const rules = { ...options.rules, now: input.now };
    const reread = (kept: StoredDelivery) => dedupDigests(input.reread(kept));
    const select = (reading: Connection) => selectDeliveries(reading, input.selection);
    const run = (ids: readonly number[], step: ReplayOptions['step']) =>
      replayDeliveries({ ...options, step, rules }, { ...input, reread }, ids);

    if (!input.dryRun) return await run(await database.longSnapshot(select), runUnitOfWork);
    return await database.longSnapshot(async (reading) => {
      return await run(await select(reading), rehearsal(reading));
    });
  };
}

/** Nothing is written: all that the steps change stays in one unit of work, so that each sees what those before it did. */
function rehearsal(reading: Connection): ReplayOptions['step'] {
  let unit = createUnitOfWork();
  return async (work) => {
    try {
      const result = await work(unit, reading);
      unit.updatedDeliveries.length = 0; // nobody saves them, and they hold the bodies
      return result;
    } catch (error) {
      unit = createUnitOfWork(); // half changed: what follows is told as if nothing came before
      throw error;
    }
  };
}
