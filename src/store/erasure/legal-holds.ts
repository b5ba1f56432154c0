/** Holds that defer erasures: legal holds of operators, and the minimum retention of all users. */

import { Temporal } from 'temporal-polyfill';
import type { AuditAct } from '../../domain/audit';
import type { AppendAudit } from '../audit/append';
import type { Connection } from '../database/database';
import type { Transact } from '../database/transaction';
import { AttemptEntity } from '../entities/attempt.entity';
import { getNames } from '../entities/columns';
import { UserEntity } from '../entities/user.entity';
import { resolveUser } from '../read/users';
import type { Erasures, HoldFault, OperatorCommand } from './erasures';
import { rescheduleRequests } from './requests';

const { mergedInto } = getNames(UserEntity);
const attempt = getNames(AttemptEntity);

/** Minimum retention of users that applies unless an operator sets a hold. */
export interface ErasureHoldConfig {
  /** ISO 8601 duration, counted by the calendar from the last decision about the user. */
  readonly term: string;
  /** The reason that a rejected erasure request shows. */
  readonly basis: string;
}

export interface Hold {
  /** If null, the hold ends when it is released. */
  readonly until: string | null;
  readonly basis: string;
}

export interface LegalHoldsOptions {
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
}

export function createLegalHolds({
  transaction,
  appendAudit,
}: LegalHoldsOptions): Pick<Erasures, 'setHold' | 'releaseHold'> {
  return {
    setHold: ({ basis, until, ...input }) =>
      transaction(async (connection) => {
        const user = await resolveUser(connection, input.userId);
        if (user === undefined) return 'USER_NOT_FOUND';
        if (user.erased) return 'USER_ERASED';
        const end = until?.toISOString() ?? null;
        await connection.query(
          `INSERT INTO legal_holds (user_id, basis, until, set_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (user_id) DO UPDATE SET basis = excluded.basis, until = excluded.until`,
          [user.id, basis, end, input.now.toISOString()],
        );
        const details = { basis, until: end };
        await finish(connection, user.id, input, { action: 'LEGAL_HOLD_SET', details });
        return null;
      }),

    releaseHold: (input) =>
      transaction(async (connection): Promise<HoldFault | null> => {
        const user = await resolveUser(connection, input.userId);
        if (user === undefined) return 'USER_NOT_FOUND';
        const released = await connection.query(
          `DELETE FROM legal_holds WHERE user_id IN (SELECT id FROM users WHERE id = ? OR ${mergedInto} = ?)
            RETURNING user_id`,
          [user.id, user.id],
        );
        if (released.length === 0) return null;
        await finish(connection, user.id, input, { action: 'LEGAL_HOLD_RELEASED', details: {} });
        return null;
      }),
  };

  /** Reschedules pending requests, and appends the audit entry. */
  async function finish(
    connection: Connection,
    userId: number,
    { auditActor, reason, now }: OperatorCommand,
    act: Pick<AuditAct, 'action' | 'details'>,
  ): Promise<void> {
    await rescheduleRequests(connection, userId, now);
    await appendAudit(connection, [
      { ...act, actor: auditActor, subject: `User:${userId}`, reason, at: now },
    ]);
  }
}

/** Returns the hold on the user that ends last, among legal holds and the minimum retention. Returns undefined if none applies. */
export async function findLongestHold(
  connection: Connection,
  userId: number,
  now: Date,
  minimum: ErasureHoldConfig | null,
): Promise<Hold | undefined> {
  const holds: Hold[] = [
    ...(await connection.query<Hold>(
      `SELECT h.until, h.basis FROM legal_holds h JOIN users u ON u.id = h.user_id
        WHERE u.id = ? OR u.${mergedInto} = ?`,
      [userId, userId],
    )),
  ];
  if (minimum !== null) {
    const [decided] = await connection.query<{ at: string | null }>(
      `SELECT max(${attempt.decidedAt}) AS at FROM attempts WHERE ${attempt.userId} = ?`,
      [userId],
    );
    const at = decided?.at ?? null;
    if (at !== null) {
      const until = addToDate(new Date(at), minimum.term).toISOString();
      holds.push({ until, basis: minimum.basis });
    }
  }
  const end = ({ until }: Hold) => until ?? '9';
  const live = holds.filter((hold) => end(hold) > now.toISOString());
  return live.sort((a, b) => (end(a) < end(b) ? -1 : 1)).at(-1);
}

/**
 * Adds an ISO 8601 duration by the calendar, in UTC. A day that the target month lacks becomes the last day of that month:
 * 2024-02-29 plus `P5Y` is 2029-02-28.
 */
export function addToDate(from: Date, duration: string): Date {
  const start = Temporal.Instant.fromEpochMilliseconds(from.getTime()).toZonedDateTimeISO('UTC');
  return new Date(start.add(duration).epochMilliseconds);
}
