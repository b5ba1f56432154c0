/** Writes all that does not come of a delivery, one transaction at a time. */

import { type AuditAct, GATEWAY_ACTOR } from '../../domain/audit';
import { StoreUnavailableError } from '../../domain/errors';
import type { ProjectionRules, StateRules } from '../../domain/fold/user';
import { type Instant, toInstantText } from '../../domain/instant';
import type { KeyRing } from '../../encryption/key-ring';
import type { LinkIdentity, LinkOutcome } from '../../projector/link-identity';
import { linkIdentity } from '../../projector/link-identity';
import { reproject } from '../../projector/reproject';
import {
  createUnitOfWork,
  ROW_BYTES,
  type UnitOfWork,
  type UserNode,
} from '../../projector/unit-of-work';
import { createUser } from '../../projector/users';
import type { AppendAudit } from '../audit/append';
import type { Connection, Database } from '../database/database';
import { writeSetting } from '../database/settings';
import type { Transact } from '../database/transaction';
import { encodeFloorNonce, FLOOR_NONCE } from '../read/changes';
import { resolveUser } from '../read/users';
import type { DeliveryWriter } from './delivery-writer';
import { load } from './load';
import { PAGE_BYTES, type Sized, toPages } from './load-history';
import { addEffects, type ReprojectionEffect } from './projection-version';

export interface CommandsOptions {
  readonly database: Database;
  readonly recorder: Pick<DeliveryWriter, 'transaction'>;
  readonly keyRing: KeyRing;
  readonly appendAudit: AppendAudit;
  readonly rules: StateRules;
  readonly clock: () => Date;
  /** Told when the state of a user could not be brought up to date for a fault of ours; it is left until the next start. */
  readonly onStuck: (userId: number, error: unknown) => void;
}

export interface Commands {
  /** Creates a user, or returns the one that already has this external ID. */
  createUser(input: CreateUser): Promise<{ readonly userId: number; readonly created: boolean }>;

  /** Assigns an identity to a user. Merges two users if the identity was the only one of its user. */
  linkIdentity(input: LinkIdentity): Promise<LinkOutcome>;

  /** Writes the expiry of verifications that ended by `now`. Returns the number of changes. */
  expire(now: Date): Promise<number>;

  /** Deletes log entries recorded before `before`. Older cursors then return CURSOR_EXPIRED. Returns the number deleted. */
  trimLog(before: Date): Promise<number>;
}

export interface InternalCommands extends Commands {
  /** Projects every user again, for rules that have changed. */
  reprojectAll(): Promise<boolean>;
  /** Counts what `reprojectAll` would change. Writes nothing. */
  forecast(): Promise<ReprojectionEffect>;
  readonly transaction: Transact;
  /**
   * Runs `work` alone in a transaction that ends with saving what it made of an empty unit of work, and with what the audit log
   * has to say of it.
   */
  change<T>(
    work: (unit: UnitOfWork, connection: Connection) => Promise<T>,
    toActs: (result: T) => readonly AuditAct[],
  ): Promise<T>;
}

/** Transactions of one user that the database may end before the user is skipped. */
const MAX_FAILURES = 2;
/** Users brought up to date in one transaction. */
const USER_CHUNK = 500;
/** Log entries dropped in one transaction, so that whoever posts meanwhile does not wait long. */
const TRIM_CHUNK = 2_000;

export function createCommands(options: CommandsOptions): InternalCommands {
  const { database, recorder, keyRing, appendAudit, clock, onStuck } = options;
  const { writing: connection, reading } = database;
  const stuck = new Set<number>();
  const rulesAt = (now: Date): ProjectionRules => ({ ...options.rules, now });

  return {
    createUser: ({ externalUserId, auditActor, now }) =>
      change(
        async (unit) => {
          const externalUserIds = externalUserId === null ? [] : [externalUserId];
          await load(unit, connection, keyRing, { externalUserIds });
          const known =
            externalUserId === null ? undefined : unit.usersByExternalId.get(externalUserId);
          if (known !== undefined) return { userId: known.id, created: false };
          return { userId: createUser(unit, externalUserId, now).id, created: true };
        },
        ({ userId, created }) => (created ? [creation(userId, auditActor, now)] : []),
      ),

    linkIdentity: (input) =>
      change(
        async (unit) => {
          const user = await resolveUser(connection, input.userId);
          const userId = user?.id ?? input.userId;
          const subjects = [[input.provider, input.subjectRef]] as const;
          await load(unit, connection, keyRing, { subjects, userIds: [userId] });
          return linkIdentity(unit, { ...input, userId }, keyRing, rulesAt(input.now));
        },
        (outcome) => (outcome.ok ? [link(input, outcome)] : []),
      ),

    async expire(now) {
      const due = await dueUsers(toInstantText(now));
      if (due.length === 0) return 0;
      return await settleOrSkip(due, 'EXPIRY', now);
    },

    async trimLog(before) {
      for (let trimmed = 0; ; ) {
        const dropped = await recorder.transaction(() => trim(before));
        trimmed += dropped;
        if (dropped < TRIM_CHUNK) return trimmed;
      }
    },

    async reprojectAll() {
      await forEachPage(async (ids) => {
        await settleOrSkip(ids, 'POLICY', clock());
      });
      return stuck.size === 0;
    },

    async forecast() {
      const effects: ReprojectionEffect[] = [];
      await forEachPage(async (ids) => {
        effects.push(...(await effectsOn(ids, clock())));
      });
      return addEffects(effects);
    },

    transaction: (work) => recorder.transaction(() => work(connection)),
    change,
  };

  async function change<T>(
    work: (unit: UnitOfWork, connection: Connection) => Promise<T>,
    toActs: (result: T) => readonly AuditAct[],
  ): Promise<T> {
    return await recorder.transaction(async () => {
      const unit = createUnitOfWork();
      const result = await work(unit, connection);
      await database.save(unit, null);
      await appendAudit(connection, toActs(result));
      return result;
    });
  }

  /** Loads all users page by page, so that memory stays bounded. */
  async function forEachPage(work: (userIds: readonly number[]) => Promise<void>): Promise<void> {
    let lastId = 0;
    for (;;) {
      const users = await usersAfter(lastId);
      const last = users.at(-1);
      if (last === undefined) return;
      for (const ids of toPages(users, PAGE_BYTES)) await work(ids);
      lastId = last.id;
    }
  }

  /** A user who cannot be settled keeps their state, so that nothing changes for them. */
  async function effectsOn(
    userIds: readonly number[],
    now: Date,
  ): Promise<readonly ReprojectionEffect[]> {
    try {
      const unit = createUnitOfWork();
      await load(unit, connection, keyRing, { userIds });
      const users = userIds.flatMap((id) => unit.users.get(id) ?? []);
      const before = users.map((user) => isVerifiedAt(user, now));
      const occasion = {
        kind: 'POLICY',
        deliveryId: null,
        actor: null,
        occurredAt: toInstantText(now),
      } as const;
      reproject(unit, { users }, occasion, rulesAt(now));
      return users.map((user, index) => {
        const was = before[index] ?? false;
        const is = user.verificationStatus === 'VERIFIED';
        return {
          users: 1,
          verified: Number(was),
          lost: Number(was && !is),
          gained: Number(is && !was),
        };
      });
    } catch (error) {
      if (error instanceof StoreUnavailableError) {
        if (!connection.mayBeOfWork(error)) throw error;
        await connection.query('SELECT 1'); // throws if the database is unavailable to all
      }
      if (userIds.length === 1) return [{ users: 1, verified: 0, lost: 0, gained: 0 }];
    }
    const effects: ReprojectionEffect[] = [];
    for (const userId of userIds) effects.push(...(await effectsOn([userId], now)));
    return effects;
  }

  async function settleUsers(
    userIds: readonly number[],
    kind: 'EXPIRY' | 'POLICY',
    now: Date,
  ): Promise<number> {
    const unit = createUnitOfWork();
    await load(unit, connection, keyRing, { userIds });
    const occasion = { kind, deliveryId: null, actor: null, occurredAt: toInstantText(now) };
    reproject(unit, { users: unit.users.values() }, occasion, rulesAt(now));
    await database.save(unit, null);
    return unit.changes.length;
  }

  /**
   * If one user cannot be settled, settles each alone, so that it costs no other user their state. A user whose transaction
   * alone makes the database seem unavailable, twice in a row, is skipped too: a large history may exceed a limit of the server.
   */
  async function settleOrSkip(
    userIds: readonly number[],
    kind: 'EXPIRY' | 'POLICY',
    now: Date,
  ): Promise<number> {
    const [userId] = userIds;
    const alone = userId !== undefined && userIds.length === 1;
    for (let failures = 0; failures < (alone ? MAX_FAILURES : 1); failures += 1) {
      let began = false;
      try {
        return await recorder.transaction(() => {
          began = true;
          return settleUsers(userIds, kind, now);
        });
      } catch (error) {
        const isAway = error instanceof StoreUnavailableError;
        // Without a transaction, the database is unavailable to all.
        if (isAway && !(began && connection.mayBeOfWork(error))) throw error;
        if (alone && (!isAway || failures + 1 === MAX_FAILURES)) {
          stuck.add(userId);
          onStuck(userId, error);
          return 0;
        }
      }
    }
    let changes = 0;
    for (const userId of userIds) changes += await settleOrSkip([userId], kind, now);
    return changes;
  }

  async function dueUsers(before: Instant): Promise<readonly number[]> {
    // Made unique here: DISTINCT would have SQLite walk the whole table in the order of its users.
    const rows = await reading.query<{ id: number }>(
      `SELECT user_id AS id FROM user_levels
        WHERE status = 'VERIFIED' AND expires_at <= ? AND user_id NOT IN (?*)
        ORDER BY expires_at LIMIT ${USER_CHUNK}`,
      [before, [...stuck]],
    );
    return [...new Set(rows.map(({ id }) => id))];
  }

  /** @returns users with the size of their events. */
  async function usersAfter(lastId: number): Promise<readonly Sized[]> {
    return await connection.query<Sized>(
      `SELECT u.id, (SELECT coalesce(sum(octet_length(CAST(e.body AS text)) + ${ROW_BYTES}), 0)
          FROM identities i JOIN events e ON e.identity_id = i.id WHERE i.user_id = u.id) AS bytes
        FROM users u WHERE u.id > ? AND u.merged_into IS NULL AND u.erased_at IS NULL
        ORDER BY u.id LIMIT ${USER_CHUNK}`,
      [lastId],
    );
  }

  async function trim(before: Date): Promise<number> {
    // The log stands in the order of commit, so the first entry that is young enough ends the search.
    const [row] = await connection.query<{ floor: number | null }>(
      `WITH oldest AS (SELECT id, recorded_at FROM changes ORDER BY id LIMIT ${TRIM_CHUNK})
        SELECT coalesce(
          (SELECT id - 1 FROM oldest WHERE recorded_at >= ? ORDER BY id LIMIT 1),
          (SELECT max(id) FROM oldest)) AS floor`,
      [before.toISOString()],
    );
    const floor = row?.floor ?? null;
    if (floor === null) return 0;
    const [count] = await connection.query<{ n: number; nonce: number | null }>(
      `SELECT count(*) AS n, (SELECT nonce FROM changes WHERE id = ?) AS nonce
        FROM changes WHERE id <= ?`,
      [floor, floor],
    );
    if (count === undefined || count.n === 0) return 0;
    await connection.query('DELETE FROM changes WHERE id <= ?', [floor]);
    await writeSetting(connection, 'log_floor', String(floor));
    if (count.nonce !== null) {
      const position = encodeFloorNonce({ seq: floor, nonce: count.nonce });
      await writeSetting(connection, FLOOR_NONCE, position);
    }
    const entries = count.n;
    await appendAudit(connection, [trimming(entries, floor, clock())]);
    return entries;
  }
}

/** An approval that has run out is no loss to the rules, also if nothing has recorded its end yet. */
function isVerifiedAt({ verificationStatus, expiresAt }: UserNode, now: Date): boolean {
  const ranOut = expiresAt !== null && expiresAt <= toInstantText(now);
  return verificationStatus === 'VERIFIED' && !ranOut;
}

// ── What the audit log says ─────────────────────────────────────────────────────────────────────────────────────────

function creation(userId: number, auditActor: string, at: Date): AuditAct {
  const subject = `User:${userId}`;
  return { action: 'USER_CREATED', actor: auditActor, subject, reason: null, details: {}, at };
}

function link(
  { auditActor, provider, now }: LinkIdentity,
  { userId, identityId, mergedUserId }: LinkOutcome & { readonly ok: true },
): AuditAct {
  return {
    action: 'IDENTITY_LINKED',
    actor: auditActor,
    subject: `User:${userId}`,
    reason: null,
    details: { provider, identityId, mergedUserId },
    at: now,
  };
}

/** @param floor - Position of the last entry that was dropped. */
function trimming(entries: number, floor: number, at: Date): AuditAct {
  const details = { entries, upTo: floor };
  return { action: 'LOG_TRIMMED', actor: GATEWAY_ACTOR, subject: null, reason: null, details, at };
}

// ── Ingest ──────────────────────────────────────────────────────────────────────────────────────────────────────────
// ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface CreateUser {
  readonly externalUserId: string | null;
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: Date;
}
