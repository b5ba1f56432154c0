/** Applies kept deliveries again, as the adapters read them now. */

import type { AuditAct } from '../../domain/audit';
import type { Change } from '../../domain/change';
import type { IncomingDelivery, QuarantineReason } from '../../domain/delivery';
import { Reading, StoredDelivery } from '../../domain/delivery';
import {
  ConfigError,
  GatewayError,
  InvariantError,
  StoreUnavailableError,
} from '../../domain/errors';
import type { VerificationEvent } from '../../domain/event';
import type { ProjectionRules } from '../../domain/fold/user';
import { type Instant, toInstantText } from '../../domain/instant';
import type { Disposition } from '../../domain/status';
import { decryptBody, encryptBody, NO_BODY } from '../../encryption/encrypted-body';
import type { KeyRing } from '../../encryption/key-ring';
import { applyEvents, createEventKeys, type PreviousEvents } from '../../projector/apply-events';
import { findSubject, toStoredKey } from '../../projector/deduplicate';
import { isAboutErasedSubject } from '../../projector/erased-subjects';
import { createLookup, putDelivery, toErasedDelivery } from '../../projector/record-delivery';
import {
  type IdentityNode,
  type NewDelivery,
  pairKey,
  removeEvents,
  type UnitOfWork,
} from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import type { ErasureDigests } from '../keys/erasure-digests';
import { load } from '../write/load';
import { loadTombstones } from '../write/load-tombstones';
import { loadStoredDelivery, ReplaySelection, type StoredDeliveryRow } from './stored-deliveries';

export interface ReplayOptions {
  /** Does one piece of the work, all of it or nothing. */
  readonly step: <T>(
    work: (unit: UnitOfWork, connection: Connection) => Promise<T>,
    toActs: (result: T) => readonly AuditAct[],
  ) => Promise<T>;
  /** @throws {ConfigError} if the data follows other rules by now: another process may have brought them. */
  readonly checkRules: (connection: Connection) => Promise<void>;
  readonly keyRing: KeyRing;
  readonly erasureDigests: ErasureDigests;
  readonly rules: ProjectionRules;
  /** Told when a delivery could not be applied for a fault of ours. */
  readonly onFault: (error: unknown) => void;
}

/** Deliveries applied in one step: few enough that whoever posts meanwhile does not wait long. */
const CHUNK = 200;

/**
 * Where it is cut short, the steps that are done stay done; doing it again does the rest, since what reads as it is kept is
 * not touched.
 *
 * @param ids - In the order of receipt.
 * @throws {StoreUnavailableError} {ConfigError} if the store goes away, or its rules change, in the midst of it.
 */
export async function replayDeliveries(
  options: ReplayOptions,
  input: ReplayDeliveries,
  ids: readonly number[],
): Promise<ReplayOutcome> {
  const parts: Part[] = [];
  for (let start = 0; start < ids.length; start += CHUNK) {
    parts.push(...(await replayChunk(options, input, ids.slice(start, start + CHUNK))));
  }
  return {
    deliveries: ids.length,
    dispositionChanges: parts.flatMap(({ dispositionChanges }) => dispositionChanges),
    failed: parts.flatMap(({ failed }) => failed),
    changes: parts.flatMap(({ changes }) => changes),
  };
}

type Part = Omit<ReplayOutcome, 'deliveries'>;

async function replayChunk(
  options: ReplayOptions,
  input: ReplayDeliveries,
  ids: readonly number[],
): Promise<readonly Part[]> {
  try {
    return [await replayTogether(options, input, ids)];
  } catch (error) {
    if (error instanceof StoreUnavailableError || error instanceof ConfigError) throw error;
    if (ids.length === 1) {
      options.onFault(error);
      return [failure(ids, error)];
    }
    // One of them is poison: each alone, so that it harms no neighbour.
    const parts: Part[] = [];
    for (const id of ids) parts.push(...(await replayChunk(options, input, [id])));
    return parts;
  }
}

function failure(ids: readonly number[], error: unknown): Part {
  const failed = ids.map((deliveryId) => ({ deliveryId, reason: reasonOf(error) }));
  return { dispositionChanges: [], failed, changes: [] };
}

/** What an error that is not ours says may hold anything: it goes to the log alone. */
function reasonOf(error: unknown): QuarantineReason {
  if (error instanceof GatewayError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: 'the gateway failed to apply it again' };
}

function replayTogether(
  { step, checkRules, keyRing, erasureDigests, rules }: ReplayOptions,
  input: ReplayDeliveries,
  ids: readonly number[],
): Promise<Part> {
  return step(
    async (unit, connection) => {
      await checkRules(connection);
      const rows = await loadStoredDelivery(connection, keyRing, ids);
      const read = rows.flatMap((row) => {
        const rawBody = decryptBody(row, keyRing);
        return rawBody === null ? [] : [{ row, delivery: reread(row, rawBody, input) }];
      });
      const readable = read.flatMap(({ delivery }) => ('reading' in delivery ? [delivery] : []));
      await load(unit, connection, keyRing, {
        ...createLookup(readable),
        userIds: rows.flatMap(({ events }) => events.map(({ userId }) => userId)),
      });
      await loadTombstones(unit, connection, erasureDigests, readable);
      const logged = unit.changes.length;
      const dispositionChanges: Part['dispositionChanges'][number][] = [];
      const failed: Part['failed'][number][] = [];
      for (const { row, delivery } of read) {
        if ('code' in delivery) {
          failed.push({ deliveryId: row.id, reason: delivery });
          continue;
        }
        const after = replayOne(unit, keyRing, rules, input.changeActor, row, delivery);
        if (after === row.disposition) continue;
        dispositionChanges.push({ deliveryId: row.id, before: row.disposition, after });
      }
      const changes: readonly Change[] = unit.changes.slice(logged);
      return { dispositionChanges, failed, changes };
    },
    (part) => [toAct(input, ids, part)],
  );
}

/** One for each step, since each is a transaction of its own. */
function toAct(
  { auditActor, now }: ReplayDeliveries,
  ids: readonly number[],
  { dispositionChanges, failed, changes }: Part,
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

/** The delivery as it reads now, or why it must be left as it is. */
function reread(
  row: StoredDeliveryRow,
  rawBody: Buffer,
  input: ReplayDeliveries,
): IncomingDelivery | QuarantineReason {
  const { id, provider, subpath, trust } = row;
  const receivedAt = new Date(row.receivedAt);
  try {
    const reading = input.reread({ id, provider, receivedAt, rawBody, subpath, trust });
    // What was understood once is not undone because it no longer is: the fault may well be ours.
    if (reading.kind === 'QUARANTINED' && wasApplied(row)) return reading.reason;
    return { provider, receivedAt, rawBody, subpath, trust, reading };
  } catch (error) {
    if (error instanceof GatewayError) return reasonOf(error);
    throw error;
  }
}

function wasApplied({ disposition }: StoredDeliveryRow): boolean {
  return disposition !== 'QUARANTINED' && disposition !== 'IGNORED';
}

function replayOne(
  unit: UnitOfWork,
  keyRing: KeyRing,
  rules: ProjectionRules,
  changeActor: string,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
): Disposition {
  if (saysTheSame(unit, row, delivery)) return row.disposition;
  const ofErased = isAboutErasedSubject(unit, delivery) && !belongsToLiving(unit, row, delivery);
  const told = ofErased ? toErasedDelivery(row.id, delivery) : delivery;
  const forgotten = forget(unit, row);
  const cause = { kind: 'REPLAY', actor: changeActor } as const;
  const application = { deliveryId: row.id, delivery: told, keyRing, rules, cause };
  const applied = applyEvents(unit, { ...application, previous: forgotten });
  // Beside what the delivery itself had said before, a correction may change nothing: what became of it then stays.
  const stays =
    told.reading.kind === 'EVENTS' && applied.disposition !== 'APPLIED' && wasApplied(row);
  const disposition = stays ? row.disposition : applied.disposition;
  const { identity } = applied;
  const body = ofErased
    ? NO_BODY
    : { identityId: identity?.id ?? null, ...encryptBody(delivery.rawBody, identity, keyRing) };
  rewrite(unit, row, told, disposition, body);
  return disposition;
}

/** It was made the account's own before, which has outlived whomever else it names. */
function belongsToLiving(
  unit: UnitOfWork,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
): boolean {
  return row.identityId !== null && row.identityId === findSubject(unit, delivery)?.id;
}

// ── What it said, what it says ──────────────────────────────────────────────────────────────────────────────────────

function saysTheSame(
  unit: UnitOfWork,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
): boolean {
  const { reading } = delivery;
  const reason = reading.kind === 'QUARANTINED' ? reading.reason : null;
  return (
    (reading.kind === 'EVENTS' ? wasApplied(row) : reading.kind === row.disposition) &&
    row.eventType === reading.eventType &&
    row.reasonCode === (reason?.code ?? null) &&
    row.reason === (reason?.message ?? null) &&
    row.duplicateKey === keyFor(unit, row, delivery) &&
    row.identityId === (findSubject(unit, delivery)?.id ?? null) &&
    saidBy(row).join('\n') === toldBy(unit, row, delivery).join('\n')
  );
}

/** Read rightly at last, it may turn out to repeat another delivery: then that one keeps the key. */
function keyFor(unit: UnitOfWork, row: StoredDeliveryRow, delivery: IncomingDelivery): string {
  const key = toStoredKey(row.id, delivery);
  const holder = unit.deliveries.get(pairKey(row.provider, key));
  return holder === undefined || holder.id === row.id ? key : row.duplicateKey;
}

/** What is kept of it, one line per event, in an order of its own. */
function saidBy({ events, credentials }: StoredDeliveryRow): readonly string[] {
  return [
    ...events.map(({ key, event }) => JSON.stringify([key, event])),
    ...credentials.map((held) =>
      JSON.stringify([held.holderRef, held.credentialRef, held.issuedAt]),
    ),
  ].sort();
}

/** What would be kept of it, were it read now for the first time: what another delivery has said already is not. */
function toldBy(
  unit: UnitOfWork,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
): readonly string[] {
  const { provider, reading, receivedAt } = delivery;
  if (reading.kind !== 'EVENTS') return [];
  const told = new Map<string, string>();
  const keyOf = createEventKeys(row.id, delivery);
  reading.events.forEach((event, place) => {
    if (event.type === 'CREDENTIAL') {
      const { subjectRef, credentialRef, occurredAt = toInstantText(receivedAt) } = event;
      const known = pairKey(provider, credentialRef);
      if (!told.has(known))
        told.set(known, JSON.stringify([subjectRef, credentialRef, occurredAt]));
    } else {
      const key = keyOf(place);
      if (!isSaidByAnother(unit, row, event, key)) told.set(key, JSON.stringify([key, event]));
    }
  });
  return [...told.values()].sort();
}

function isSaidByAnother(
  unit: UnitOfWork,
  { id, provider }: StoredDeliveryRow,
  { subjectRef }: VerificationEvent,
  key: string,
): boolean {
  const held = unit.identities.get(pairKey(provider, subjectRef))?.events ?? [];
  return held.some((event) => event.key === key && event.deliveryId !== id);
}

/** Takes back what the delivery said before. */
function forget(
  unit: UnitOfWork,
  { id, provider, events, credentials }: StoredDeliveryRow,
): PreviousEvents {
  const identities = new Set<IdentityNode>();
  const receipts = new Map<number, Instant>();
  for (const { event } of events) {
    const identity = unit.identities.get(pairKey(provider, event.subjectRef));
    if (identity === undefined)
      throw new InvariantError('Identity of a replayed event is not loaded');
    identities.add(identity);
  }
  for (const identity of identities) {
    for (const event of identity.events.filter(({ deliveryId }) => deliveryId === id)) {
      unit.deletedEvents.push(event.id);
      if (event.event.occurredAt !== undefined) continue;
      receipts.set(Number(event.key.slice(event.key.lastIndexOf(' '))), event.receivedAt);
    }
    removeEvents(identity, id);
    forgetLatest(identity, id);
  }
  for (const { id: credentialId, credentialRef } of credentials) {
    unit.deletedCredentials.add(credentialId);
    unit.credentials.delete(pairKey(provider, credentialRef));
  }
  return { identities, receivedAt: receipts };
}

/** The latest of its words without a clock is another one now. */
function forgetLatest(identity: IdentityNode, deliveryId: number): void {
  if (identity.undatedDeliveryId !== deliveryId) return;
  const undated = identity.events.filter(({ event }) => event.occurredAt === undefined);
  const latest = Math.max(...undated.map((event) => event.deliveryId));
  identity.undatedDeliveryId = undated.length === 0 ? null : latest;
  identity.dirty = true;
}

// ── The row ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function rewrite(
  unit: UnitOfWork,
  row: StoredDeliveryRow,
  delivery: IncomingDelivery,
  disposition: Disposition,
  body: Pick<NewDelivery, 'identityId' | 'body' | 'bodyKeyId'>,
): void {
  const { id, provider, receivedAt } = row;
  const duplicateKey = keyFor(unit, row, delivery);
  const known = { id, provider, duplicateKey, receivedAt, disposition };
  unit.deliveries.delete(pairKey(provider, row.duplicateKey));
  putDelivery(unit, unit.updatedDeliveries, known, delivery, body);
}

export interface ReplayDeliveries {
  readonly selection: ReplaySelection;
  readonly dryRun: boolean;
  /** Actor in the change log. See `ChangeCause.actor`. */
  readonly changeActor: string;
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: Date;
  /** Reads a kept delivery as the adapters understand it now. @throws {GatewayError} if nothing can read it. */
  readonly reread: (delivery: StoredDelivery) => Reading;
}

export interface ReplayOutcome {
  /** How many were selected. */
  readonly deliveries: number;
  /** Deliveries whose disposition is now another, in the order of receipt. */
  readonly dispositionChanges: readonly {
    readonly deliveryId: number;
    readonly before: Disposition;
    readonly after: Disposition;
  }[];
  /** Deliveries that were left as they were, and why, in the order of receipt. */
  readonly failed: readonly { readonly deliveryId: number; readonly reason: QuarantineReason }[];
  /** What was (or with `dryRun` would be) written to the log; `seq` is provisional with `dryRun`. */
  readonly changes: readonly Change[];
}
