/** Replays deliveries in steps: parses them again with the current adapters and applies what differs. */

import type { AuditAct } from '../../domain/audit';
import type { Change } from '../../domain/change';
import type {
  IncomingDelivery,
  QuarantineReason,
  Reading,
  StoredDelivery,
} from '../../domain/delivery';
import { ConfigError, GatewayError, StoreUnavailableError } from '../../domain/errors';
import type { ProjectionRules } from '../../domain/fold/user';
import type { Disposition } from '../../domain/status';
import { decryptBody } from '../../encryption/encrypted-body';
import type { KeyRing } from '../../encryption/key-ring';
import { createLookup } from '../../projector/record-delivery';
import type { UnitOfWork } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import type { ErasureDigests } from '../keys/erasure-digests';
import { load } from '../write/load';
import { loadTombstones } from '../write/load-tombstones';
import type { RunUnitOfWork } from '../write/run-unit-of-work';
import { reapplyDelivery, wasApplied } from './reapply-delivery';
import {
  loadStoredDeliveries,
  type ReplaySelection,
  type StoredDeliveryRow,
} from './stored-deliveries';

export interface ReplayDeliveries {
  readonly selection: ReplaySelection;
  readonly dryRun: boolean;
  /** Actor in the change log. See `ChangeCause.actor`. */
  readonly changeActor: string;
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: Date;
  /** Parses a stored delivery with the current adapters. @throws {GatewayError} If no adapter can. */
  readonly reread: (delivery: StoredDelivery) => Reading;
}

export interface ReplayOutcome {
  /** Number of selected deliveries. */
  readonly deliveries: number;
  /** Deliveries whose disposition has changed, in the order of receipt. */
  readonly dispositionChanges: readonly {
    readonly deliveryId: number;
    readonly before: Disposition;
    readonly after: Disposition;
  }[];
  /** Deliveries that were left unchanged because of an error, in the order of receipt. */
  readonly failed: readonly { readonly deliveryId: number; readonly reason: QuarantineReason }[];
  /** Changes written to the log. With `dryRun`, the changes that would be written, with provisional `seq`. */
  readonly changes: readonly Change[];
}

export interface ReplayOptions {
  /** Runs one step: all of it or nothing. */
  readonly step: RunUnitOfWork;
  /** @throws {ConfigError} If another process has changed the projection rules. */
  readonly checkRules: (connection: Connection) => Promise<void>;
  readonly keyRing: KeyRing;
  readonly erasureDigests: ErasureDigests;
  readonly rules: ProjectionRules;
  /** Called if the gateway failed to apply a delivery. */
  readonly onFault: (error: unknown) => void;
}

/** Maximum number of deliveries in one step, so that new deliveries do not wait long. */
const CHUNK = 200;

/**
 * An interrupted replay keeps its finished steps. The same replay completes the rest, since it leaves deliveries unchanged that
 * read as they are stored.
 *
 * @param ids - In the order of receipt.
 * @throws {StoreUnavailableError} If the database becomes unavailable.
 * @throws {ConfigError} If another process has changed the projection rules.
 */
export async function replayDeliveries(
  options: ReplayOptions,
  input: ReplayDeliveries,
  ids: readonly number[],
): Promise<ReplayOutcome> {
  const steps: StepOutcome[] = [];
  for (let start = 0; start < ids.length; start += CHUNK) {
    steps.push(...(await replayChunk(options, input, ids.slice(start, start + CHUNK))));
  }
  return {
    deliveries: ids.length,
    dispositionChanges: steps.flatMap(({ dispositionChanges }) => dispositionChanges),
    failed: steps.flatMap(({ failed }) => failed),
    changes: steps.flatMap(({ changes }) => changes),
  };
}

type StepOutcome = Omit<ReplayOutcome, 'deliveries'>;

/** Replays the chunk in one step; if that fails, each delivery in a step of its own, so that one affects no other. */
async function replayChunk(
  options: ReplayOptions,
  input: ReplayDeliveries,
  ids: readonly number[],
): Promise<readonly StepOutcome[]> {
  try {
    return [await replayStep(options, input, ids)];
  } catch (error) {
    if (error instanceof StoreUnavailableError || error instanceof ConfigError) throw error;
    if (ids.length === 1) {
      options.onFault(error);
      return [toFailure(ids, error)];
    }
    const steps: StepOutcome[] = [];
    for (const id of ids) steps.push(...(await replayChunk(options, input, [id])));
    return steps;
  }
}

function toFailure(ids: readonly number[], error: unknown): StepOutcome {
  const failed = ids.map((deliveryId) => ({ deliveryId, reason: toReason(error) }));
  return { dispositionChanges: [], failed, changes: [] };
}

/** The text of an unexpected error may contain personal data, so only the log has it. */
function toReason(error: unknown): QuarantineReason {
  if (error instanceof GatewayError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: 'The gateway failed to apply the delivery again.' };
}

function replayStep(
  options: ReplayOptions,
  input: ReplayDeliveries,
  ids: readonly number[],
): Promise<StepOutcome> {
  const { step, checkRules, keyRing, rules } = options;
  const cause = { kind: 'REPLAY', actor: input.changeActor } as const;
  return step(
    async (unit, connection) => {
      await checkRules(connection);
      const deliveries = await loadDeliveries(options, unit, connection, input, ids);
      const logged = unit.changes.length;
      const dispositionChanges: StepOutcome['dispositionChanges'][number][] = [];
      const failed: StepOutcome['failed'][number][] = [];
      for (const { row, delivery } of deliveries) {
        if ('code' in delivery) {
          failed.push({ deliveryId: row.id, reason: delivery });
          continue;
        }
        const after = reapplyDelivery(unit, row, delivery, { keyRing, rules, cause });
        if (after === row.disposition) continue;
        dispositionChanges.push({ deliveryId: row.id, before: row.disposition, after });
      }
      return { dispositionChanges, failed, changes: unit.changes.slice(logged) };
    },
    (outcome) => [toAct(input, ids, outcome)],
  );
}

interface ParsedDelivery {
  readonly row: StoredDeliveryRow;
  /** The reason instead if the delivery must be left unchanged. */
  readonly delivery: IncomingDelivery | QuarantineReason;
}

/** Parses the deliveries that still have a body, and loads all that they may change. */
async function loadDeliveries(
  { keyRing, erasureDigests }: ReplayOptions,
  unit: UnitOfWork,
  connection: Connection,
  input: ReplayDeliveries,
  ids: readonly number[],
): Promise<readonly ParsedDelivery[]> {
  const rows = await loadStoredDeliveries(connection, keyRing, ids);
  const parsed = rows.flatMap((row) => {
    const rawBody = decryptBody(row, keyRing);
    return rawBody === null ? [] : [{ row, delivery: parseAgain(row, rawBody, input) }];
  });
  const readable = parsed.flatMap(({ delivery }) => ('reading' in delivery ? [delivery] : []));
  await load(unit, connection, keyRing, {
    ...createLookup(readable),
    userIds: rows.flatMap(({ events }) => events.map(({ userId }) => userId)),
  });
  await loadTombstones(unit, connection, erasureDigests, readable);
  return parsed;
}

/** A delivery that was applied stays applied if it no longer parses: the fault may be in the adapter. */
function parseAgain(
  row: StoredDeliveryRow,
  rawBody: Buffer,
  input: ReplayDeliveries,
): IncomingDelivery | QuarantineReason {
  const { id, provider, subpath, trust } = row;
  const receivedAt = new Date(row.receivedAt);
  try {
    const reading = input.reread({ id, provider, receivedAt, rawBody, subpath, trust });
    if (reading.kind === 'QUARANTINED' && wasApplied(row)) return reading.reason;
    return { provider, receivedAt, rawBody, subpath, trust, reading };
  } catch (error) {
    if (error instanceof GatewayError) return toReason(error);
    throw error;
  }
}

/** Each step is a transaction, so each has an audit entry. */
function toAct(
  { auditActor, now }: ReplayDeliveries,
  ids: readonly number[],
  { dispositionChanges, failed, changes }: StepOutcome,
): AuditAct {
  return {
    action: 'DELIVERIES_REPLAYED',
    actor: auditActor,
    subject: ids.length === 1 ? `WebhookDelivery:${ids[0]}` : null,
    reason: null,
    details: {
      deliveries: ids.length,
      first: ids[0] ?? null,
      last: ids.at(-1) ?? null,
      dispositionChanges: dispositionChanges.length,
      failed: failed.length,
      changes: changes.length,
    },
    at: now,
  };
}
