/** Attempts whose status may be checked at the provider's API, the time of the last check, and the process that checks. */

import type { AccountState } from '../domain/event';
import type { Instant } from '../domain/instant';
import type { LevelKind, ProviderId } from '../domain/level';
import type { Connection } from './database/database';
import { readSetting, writeSetting } from './database/settings';
import type { Transact } from './database/transaction';
import { AttemptEntity } from './entities/attempt.entity';
import { getNames, getPropertyColumns, type RowOf, toSelectList } from './entities/columns';
import { IdentityEntity, StatusCheckEntity } from './entities/identity.entity';
import { UserEntity } from './entities/user.entity';

const a = getNames(AttemptEntity, 'a');
const b = getNames(AttemptEntity, 'b');
const s = getNames(StatusCheckEntity, 's');
const u = getNames(UserEntity, 'u');
const { identityId, actionId, checkedAt } = getNames(StatusCheckEntity);

/** Queue of status checks, and the lease of the process that runs them. */
export interface StatusChecks {
  /** Returns a page of attempts of one kind, the least recently updated first. */
  candidates(query: CandidateQuery): Promise<readonly Candidate[]>;

  /** Returns one candidate for each identity of the user, and one for each open action. */
  candidatesForUser(userId: number): Promise<readonly Candidate[]>;

  /**
   * Stores that these are checked now. Returns those that no process has claimed within `apartMs`, so that no two status checks of
   * one identity, or of one action, run at the same time.
   */
  claim<One extends Claimed>(
    claimed: readonly One[],
    now: Date,
    apartMs: number,
  ): Promise<readonly One[]>;

  /** Removes claims whose check did not run. */
  disclaim(claimed: readonly Claimed[]): Promise<void>;

  /** Gives the lease to `holder` for `forMs` from now. Returns false if another process has it. */
  lease(holder: string, now: Date, forMs: number): Promise<boolean>;

  /** Releases the lease, so that another process need not wait for its end. */
  release(holder: string): Promise<void>;
}

/**
 * - `UNCONFIRMED`: an approval with a static secret as its only proof, or one that a status response has revoked.
 * - `OPEN`: an attempt without a decision.
 * - `QUIET`: any attempt.
 */
export type CandidateKind = 'UNCONFIRMED' | 'OPEN' | 'QUIET';

export interface CandidateQuery {
  readonly kind: CandidateKind;
  /** Only attempts last updated before this time, by the provider's clock. If undefined, all attempts. */
  readonly updatedBefore?: Instant | undefined;
  /** Only attempts after this one. */
  readonly after?: Pick<Candidate, 'updatedAt' | 'attemptId'> | undefined;
  readonly limit: number;
}

/** An identity, or one of its actions. */
export interface Claimed {
  readonly identityId: number;
  /** ID of the attempt, if it is an action. */
  readonly actionId: number | null;
}

export interface Candidate extends Claimed {
  readonly userId: number;
  readonly provider: ProviderId;
  readonly subjectRef: string;
  readonly state: AccountState;
  readonly attemptId: number;
  /** The provider's ID of the attempt, if it sends one. */
  readonly attemptRef: string | null;
  readonly levelKind: LevelKind;
  readonly sandbox: boolean;
  readonly updatedAt: Instant;
  /** Latest `updatedAt` of all attempts of the identity. */
  readonly lastReceivedAt: Instant;
  /** Start of the last status check. */
  readonly lastCheckedAt: Date | null;
}

/** The same text as in the partial indexes. One expression each, because the planner would split an OR and sort. */
const CONDITION: Record<CandidateKind, string> = {
  UNCONFIRMED: "a.trust || ' ' || a.status IN ('TOKEN APPROVED', 'CONFIRMED CANCELLED')",
  OPEN: `${a.decidedAt} IS NULL`,
  QUIET: `${a.updatedAt} <> ''`,
};

/**
 * Excludes erased users. Compares values, because the planner expects `<>` to match nearly all rows. With a condition that it expects
 * to match few, it would sort those instead of reading the index in order.
 */
const PRESENT = `coalesce((
  SELECT 'erased' FROM users u WHERE u.id = ${a.userId} AND ${u.erasedAt} IS NOT NULL), '') <> 'erased'`;

/** Later than any instant. */
const LATEST = '9999-12-31T24';

/** Action ID of a check of the whole identity. */
const ACCOUNT = 0;

const LEASE = 'reconciliation_lease';

export function createStatusChecks(reading: Connection, transaction: Transact): StatusChecks {
  return {
    async candidates({ kind, updatedBefore, after, limit }) {
      const rows = await reading.query<CandidateSql>(
        `SELECT ${COLUMNS} FROM (
            SELECT a.* FROM attempts a
              WHERE ${CONDITION[kind]} AND ${PRESENT} AND ${a.updatedAt} < ? AND (${a.updatedAt}, a.id) > (?, ?)
              ORDER BY ${a.updatedAt}, a.id LIMIT ?
          ) a ${JOINS} ORDER BY ${a.updatedAt}, a.id`,
        [updatedBefore ?? LATEST, after?.updatedAt ?? '', after?.attemptId ?? 0, limit],
      );
      return rows.map(toCandidate);
    },

    async candidatesForUser(userId) {
      const rows = await reading.query<CandidateSql>(
        `SELECT ${COLUMNS} FROM attempts a ${JOINS}
          WHERE ${a.userId} = ? AND ${PRESENT} ORDER BY ${a.updatedAt} DESC, a.id DESC`,
        [userId],
      );
      const accounts = new Map<number, Candidate>();
      const actions: Candidate[] = [];
      for (const row of rows) {
        const candidate = toCandidate(row);
        if (candidate.actionId === null) {
          if (!accounts.has(candidate.identityId)) accounts.set(candidate.identityId, candidate);
        } else if (row.decidedAt === null) actions.push(candidate);
      }
      return [...accounts.values(), ...actions];
    },

    claim: (claimed, now, apartMs) =>
      transaction(async (connection) => {
        const granted: (typeof claimed)[number][] = [];
        for (const one of claimed) {
          const [row] = await connection.query<object>(
            `INSERT INTO status_checks (${identityId}, ${actionId}, ${checkedAt}) VALUES (?, ?, ?)
              ON CONFLICT (${identityId}, ${actionId}) DO UPDATE SET ${checkedAt} = excluded.${checkedAt}
              WHERE status_checks.${checkedAt} <= ? OR status_checks.${checkedAt} > ?
              RETURNING ${identityId}`,
            [...keyOf(one), now.toISOString(), before(now, apartMs), before(now, -apartMs)],
          );
          if (row !== undefined) granted.push(one);
        }
        return granted;
      }),

    disclaim: (claimed) =>
      transaction(async (connection) => {
        for (const one of claimed) {
          await connection.query(
            `DELETE FROM status_checks WHERE ${identityId} = ? AND ${actionId} = ?`,
            keyOf(one),
          );
        }
      }),

    /** Value: end of the lease and its holder. A lease that ends too far ahead dates from before the clock was set back, and is void. */
    lease: (holder, now, forMs) =>
      transaction(async (connection) => {
        const held = await readSetting(connection, LEASE);
        const [until = '', by = ''] = held?.split(' ') ?? [];
        const live = until > now.toISOString() && until <= before(now, -2 * forMs);
        if (live && by !== holder) return false;
        await writeSetting(connection, LEASE, `${before(now, -forMs)} ${holder}`);
        return true;
      }),

    release: (holder) =>
      transaction(async (connection) => {
        await connection.query('DELETE FROM settings WHERE name = ? AND value LIKE ?', [
          LEASE,
          `% ${holder}`,
        ]);
      }),
  };
}

function keyOf({ identityId, actionId }: Claimed): [number, number] {
  return [identityId, actionId ?? ACCOUNT];
}

function before(now: Date, ms: number): string {
  return new Date(now.getTime() - ms).toISOString();
}

const ATTEMPT_PROPERTIES = [
  'identityId',
  'userId',
  'attemptRef',
  'decidedAt',
  'sandbox',
  'updatedAt',
] as const satisfies readonly (keyof AttemptEntity)[];
const IDENTITY_PROPERTIES = [
  'provider',
  'subjectRef',
  'state',
] as const satisfies readonly (keyof IdentityEntity)[];

interface CandidateSql
  extends Pick<RowOf<AttemptEntity>, (typeof ATTEMPT_PROPERTIES)[number]>,
    Pick<RowOf<IdentityEntity>, (typeof IDENTITY_PROPERTIES)[number]> {
  readonly attemptId: number;
  readonly levelKind: LevelKind;
  readonly lastReceivedAt: Instant;
  readonly lastCheckedAt: string | null;
}

const COLUMNS = toSelectList([
  ...getPropertyColumns(AttemptEntity, 'a', { only: ATTEMPT_PROPERTIES }),
  ...getPropertyColumns(IdentityEntity, 'i', { only: IDENTITY_PROPERTIES }),
  ['attemptId', 'a.id'],
  ['levelKind', 'l.kind'],
  ['lastCheckedAt', s.checkedAt],
  [
    'lastReceivedAt',
    `(SELECT max(${b.updatedAt}) FROM attempts b WHERE ${b.identityId} = ${a.identityId})`,
  ],
]);

const JOINS = `JOIN identities i ON i.id = ${a.identityId} JOIN levels l ON l.key = ${a.levelKey}
  LEFT JOIN status_checks s ON ${s.identityId} = ${a.identityId}
    AND ${s.actionId} = CASE l.kind WHEN 'ACTION' THEN a.id ELSE ${ACCOUNT} END`;

function toCandidate({ decidedAt: _, ...row }: CandidateSql): Candidate {
  const { levelKind, attemptId, sandbox, lastCheckedAt } = row;
  return {
    ...row,
    actionId: levelKind === 'ACTION' ? attemptId : null,
    sandbox: Boolean(sandbox),
    lastCheckedAt: lastCheckedAt === null ? null : new Date(lastCheckedAt),
  };
}
