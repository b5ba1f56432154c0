/** Creates the erasures of a store: immediate, due, repeated after a restore, and the removal of deleted bytes. */

import { GATEWAY_ACTOR } from '../../domain/audit';
import { CLOCK_TOLERANCE_MS } from '../../domain/fold/recorded-event';
import { type Instant, toInstantText } from '../../domain/instant';
import type { Database } from '../database/database';
import { getNames } from '../entities/columns';
import { UserEntity } from '../entities/user.entity';
import { TOMBSTONE } from '../write/load-tombstones';
import { NAMES } from '../write/loaded-columns';
import { emptyDeliveries } from './erase-user';
import { Eraser, type EraserOptions, type ErasureContext } from './eraser';
import type { EraseIdentity, EraseOutcome, Erasures, ReapplyErasures } from './erasures';
import { createLegalHolds } from './legal-holds';
import { createPurgeBodies } from './purge-bodies';
import { findDueRequests, postponeRequests, type Target } from './requests';

const { erasedAt, mergedInto } = getNames(UserEntity);

export interface ErasuresOptions extends EraserOptions {
  readonly database: Pick<Database, 'longSnapshot' | 'save' | 'wipe' | 'reading'>;
}

export function createErasures(options: ErasuresOptions): Erasures {
  const { database, transaction, appendAudit } = options;
  const { reading } = database;
  const eraser = new Eraser(options);
  const wiper = createWiper(database);

  async function erase(target: Target, context: ErasureContext): Promise<EraseOutcome> {
    const outcome = await eraser.erase(target, context);
    if (isErased(outcome)) await wiper.wipeAgain();
    return outcome;
  }

  return {
    ...createLegalHolds({ transaction, appendAudit }),

    erase: ({ userId, ...command }) =>
      erase({ userId }, { ...command, reapply: false, reportedAt: null, logRequest: true }),

    async eraseIdentity({ provider, subjectRef, deliveryId, occurredAt, ...command }) {
      const report = await findReport(options, { provider, subjectRef, deliveryId, occurredAt });
      if (report === undefined) {
        // No other row mentions the account.
        await transaction((writing) => emptyDeliveries(writing, [deliveryId]));
        return { fault: 'USER_NOT_FOUND' };
      }
      const { identityId, reportedAt } = report;
      return await erase(
        { identityId },
        { ...command, reapply: false, reportedAt, logRequest: false },
      );
    },

    async runDueErasures(now) {
      const context = {
        changeActor: GATEWAY_ACTOR,
        auditActor: GATEWAY_ACTOR,
        now,
        reapply: false,
        reportedAt: null,
        logRequest: false,
      };
      let erased = 0;
      const failures: unknown[] = [];
      for (const { target, reason } of await findDueRequests(reading, now)) {
        try {
          if (isErased(await erase(target, { ...context, reason }))) erased += 1;
        } catch (error) {
          failures.push(error); // delays no other request
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, 'failed to erase some users');
      return erased;
    },

    reapplyErasures: (input) => reapplyErasures(options, eraser, erase, input),

    postponeRequests: (until) => transaction((connection) => postponeRequests(connection, until)),

    purgeBodies: createPurgeBodies({ reading, transaction, appendAudit }),

    erasedSince: (since) => findErasedSince(options, since),

    wipe: wiper.wipe,
  };
}

function isErased(outcome: EraseOutcome): boolean {
  return 'erased' in outcome && outcome.erased;
}

/** Tracks whether deleted rows may have left bytes in the database files. Counts, since another erasure may commit while one wipe runs. */
function createWiper(database: Pick<Database, 'wipe'>) {
  let required = 1; // the previous process may have left bytes
  let wiped = 0;

  async function wipe(): Promise<boolean> {
    const goal = required;
    if (wiped < goal && (await database.wipe())) wiped = Math.max(wiped, goal);
    return wiped >= goal;
  }

  return {
    wipe,
    async wipeAgain(): Promise<void> {
      required += 1;
      await wipe();
    },
  };
}

/** Returns the identity and the time of the report. Returns undefined if the account is unknown. */
async function findReport(
  { database }: ErasuresOptions,
  {
    provider,
    subjectRef,
    deliveryId,
    occurredAt,
  }: Pick<EraseIdentity, 'provider' | 'subjectRef' | 'deliveryId' | 'occurredAt'>,
): Promise<{ readonly identityId: number; readonly reportedAt: Instant } | undefined> {
  const [row] = await database.reading.query<{ identityId: number; receivedAt: string }>(
    `SELECT i.id AS "identityId", ${NAMES.d.receivedAt} AS "receivedAt" FROM identities i JOIN deliveries d ON d.id = ?
      WHERE i.provider = ? AND i.subject_ref = ?`,
    [deliveryId, provider, subjectRef],
  );
  if (row === undefined) return undefined;
  const receivedAt = new Date(row.receivedAt);
  // A date far ahead of the receipt is ignored: all other events of the account would be older.
  const latest = toInstantText(new Date(receivedAt.getTime() + CLOCK_TOLERANCE_MS));
  const isPlausible = occurredAt !== undefined && occurredAt <= latest;
  return {
    identityId: row.identityId,
    reportedAt: isPlausible ? occurredAt : toInstantText(receivedAt),
  };
}

async function reapplyErasures(
  { database: { reading } }: ErasuresOptions,
  eraser: Eraser,
  erase: (target: Target, context: ErasureContext) => Promise<EraseOutcome>,
  { erasedUsers, ...command }: ReapplyErasures,
): Promise<{ readonly users: number; readonly identities: number }> {
  const context = { ...command, reapply: true, reportedAt: null, logRequest: false };
  const users = await reading.query<{ id: number }>(RESTORED_USERS, [erasedUsers]);
  for (const { id } of users) {
    for (const identity of await reading.query<{ id: number }>(WITH_KEY, [id])) {
      await eraser.split(identity.id, context);
    }
    await erase({ userId: id }, context);
  }
  const identities = await reading.query<{ id: number }>(WITHOUT_KEY);
  for (const { id } of identities) await erase({ identityId: id }, context);
  return { users: users.length, identities: identities.length };
}

const RESTORED_USERS = `
  SELECT id FROM users WHERE id IN (?*) AND ${erasedAt} IS NULL AND ${mergedInto} IS NULL ORDER BY id`;

/** These identities belonged to another user when theirs was erased. */
const WITH_KEY = `
  SELECT i.id FROM identities i JOIN identity_keys k ON k.identity_id = i.id
  WHERE i.user_id = ? ORDER BY i.id`;

const WITHOUT_KEY = `
  SELECT i.id FROM identities i JOIN users u ON u.id = i.user_id
  WHERE ${NAMES.u.erasedAt} IS NULL AND NOT EXISTS (SELECT 1 FROM identity_keys k WHERE k.identity_id = i.id)
  ORDER BY i.id`;

async function findErasedSince(
  { database, erasureDigests }: ErasuresOptions,
  since: Date,
): Promise<(externalUserId: string) => Date | null> {
  const rows = await database.reading.query<object>(
    `SELECT ${TOMBSTONE.select} FROM erased_subjects t WHERE t.${erasedAt} >= ?`,
    [since.toISOString()],
  );
  if (rows.length === 0) return () => null;
  const byDigest = new Map(
    rows.map(TOMBSTONE.toRow).map(({ digest, erasedAt: at }) => [digest, at]),
  );
  return (externalUserId) =>
    byDigest.get(erasureDigests.tokenHolder(externalUserId)) ??
    byDigest.get(erasureDigests.externalUser(externalUserId)) ?? // of an instance with an older version
    null;
}
