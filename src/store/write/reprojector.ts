/**
 * Projects users again: after an expiry, and after a change of the projection rules.
 *
 * Works through pages of users of bounded size. If a page fails, each of its users is projected alone, so that one user affects
 * no other. A user who fails alone keeps the current state and is skipped until the next start.
 */

import { StoreUnavailableError } from '../../domain/errors';
import type { StateRules } from '../../domain/fold/user';
import { toInstantText } from '../../domain/instant';
import type { KeyRing } from '../../encryption/key-ring';
import { reproject } from '../../projector/reproject';
import {
  createUnitOfWork,
  ROW_BYTES,
  type UnitOfWork,
  type UserNode,
} from '../../projector/unit-of-work';
import type { Connection, Database } from '../database/database';
import type { Transact } from '../database/transaction';
import { getNames } from '../entities/columns';
import { UserLevelEntity } from '../entities/user-level.entity';
import { load } from './load';
import { PAGE_BYTES, type Sized, toPages } from './load-history';
import { NAMES } from './loaded-columns';
import { addEffects, type ReprojectionEffect } from './projection-version';

const LEVEL = getNames(UserLevelEntity);

export interface ReprojectorOptions {
  readonly database: Pick<Database, 'reading' | 'writing' | 'save'>;
  readonly transaction: Transact;
  readonly keyRing: KeyRing;
  readonly rules: StateRules;
  readonly clock: () => Date;
  /** Called for each user who is skipped. */
  readonly onSkip: (userId: number, error: unknown) => void;
}

type Cause = 'EXPIRY' | 'POLICY';

/** Failed transactions of one user, for want of the database, after which the user is skipped. */
const MAX_FAILURES = 2;
/** Maximum number of users in one transaction. */
const USER_CHUNK = 500;

export class Reprojector {
  readonly #skipped = new Set<number>();

  constructor(private readonly options: ReprojectorOptions) {}

  /** Writes the expiry of verifications that ended by `now`. Returns the number of changes. */
  async expire(now: Date): Promise<number> {
    const userIds = await this.#findExpired(now);
    return userIds.length === 0 ? 0 : await this.#projectOrSkip(userIds, 'EXPIRY', now);
  }

  /** Projects all users. Returns whether no user had to be skipped. */
  async reprojectAll(): Promise<boolean> {
    const { clock } = this.options;
    for await (const userIds of this.#pages()) {
      await this.#projectOrSkip(userIds, 'POLICY', clock());
    }
    return this.#skipped.size === 0;
  }

  /** Counts the effects that `reprojectAll` would have. Writes nothing. */
  async forecast(): Promise<ReprojectionEffect> {
    const { clock } = this.options;
    const effects: ReprojectionEffect[] = [];
    for await (const userIds of this.#pages()) {
      effects.push(...(await this.#effectsOn(userIds, clock())));
    }
    return addEffects(effects);
  }

  /**
   * Projects the users in one transaction; if that fails, each user alone. A user whose transaction alone makes the database
   * seem unavailable twice in a row is skipped too: a large history may exceed a limit of the server.
   */
  async #projectOrSkip(userIds: readonly number[], kind: Cause, now: Date): Promise<number> {
    const { database, transaction, onSkip } = this.options;
    const [userId] = userIds;
    const alone = userId !== undefined && userIds.length === 1;
    for (let failures = 0; failures < (alone ? MAX_FAILURES : 1); failures += 1) {
      let began = false;
      try {
        return await transaction(async (connection) => {
          began = true;
          const unit = await this.#project(connection, userIds, kind, now);
          await database.save(unit);
          return unit.changes.length;
        });
      } catch (error) {
        const isAway = error instanceof StoreUnavailableError;
        // Without a transaction, the database is unavailable to all.
        if (isAway && !(began && database.writing.mayBeCausedByStatements(error))) throw error;
        if (alone && (!isAway || failures + 1 === MAX_FAILURES)) {
          this.#skipped.add(userId);
          onSkip(userId, error);
          return 0;
        }
      }
    }
    let changes = 0;
    for (const id of userIds) changes += await this.#projectOrSkip([id], kind, now);
    return changes;
  }

  /** Counts a user who fails as unchanged, because that user keeps the current state. */
  async #effectsOn(userIds: readonly number[], now: Date): Promise<readonly ReprojectionEffect[]> {
    const { writing } = this.options.database;
    try {
      const before = new Map<number, boolean>();
      const unit = await this.#project(writing, userIds, 'POLICY', now, (user) =>
        before.set(user.id, isVerifiedAt(user, now)),
      );
      return userIds.flatMap((id) => {
        const user = unit.users.get(id);
        return user === undefined ? [] : toEffect(before.get(id) ?? false, user);
      });
    } catch (error) {
      if (error instanceof StoreUnavailableError) {
        if (!writing.mayBeCausedByStatements(error)) throw error;
        await writing.query('SELECT 1'); // throws if the database is unavailable to all
      }
      if (userIds.length === 1) return [{ users: 1, verified: 0, lost: 0, gained: 0 }];
    }
    const effects: ReprojectionEffect[] = [];
    for (const userId of userIds) effects.push(...(await this.#effectsOn([userId], now)));
    return effects;
  }

  /** @param onLoaded - Called for each user before the projection. */
  async #project(
    connection: Connection,
    userIds: readonly number[],
    kind: Cause,
    now: Date,
    onLoaded?: (user: UserNode) => void,
  ): Promise<UnitOfWork> {
    const { keyRing, rules } = this.options;
    const unit = createUnitOfWork();
    await load(unit, connection, keyRing, { userIds });
    for (const user of unit.users.values()) onLoaded?.(user);
    const context = { kind, deliveryId: null, actor: null, occurredAt: toInstantText(now) };
    reproject(unit, { users: unit.users.values() }, context, { ...rules, now });
    return unit;
  }

  async #findExpired(now: Date): Promise<readonly number[]> {
    // Deduplicated here: with DISTINCT, SQLite would read the whole table in the order of its users.
    const rows = await this.options.database.reading.query<{ id: number }>(
      `SELECT ${LEVEL.userId} AS id FROM user_levels
        WHERE status = 'VERIFIED' AND ${LEVEL.expiresAt} <= ? AND ${LEVEL.userId} NOT IN (?*)
        ORDER BY ${LEVEL.expiresAt} LIMIT ${USER_CHUNK}`,
      [toInstantText(now), [...this.#skipped]],
    );
    return [...new Set(rows.map(({ id }) => id))];
  }

  /** Yields the IDs of all live users, page by page. */
  async *#pages(): AsyncGenerator<readonly number[]> {
    for (let lastId = 0; ; ) {
      const users = await this.#usersAfter(lastId);
      const last = users.at(-1);
      if (last === undefined) return;
      yield* toPages(users, PAGE_BYTES);
      lastId = last.id;
    }
  }

  /** Returns users with the size of their events. */
  #usersAfter(lastId: number): Promise<readonly Sized[]> {
    return this.options.database.writing.query<Sized>(
      `SELECT u.id, (SELECT coalesce(sum(octet_length(CAST(e.body AS text)) + ${ROW_BYTES}), 0)
          FROM identities i JOIN events e ON ${NAMES.e.identityId} = i.id WHERE ${NAMES.i.userId} = u.id) AS bytes
        FROM users u WHERE u.id > ? AND ${NAMES.u.mergedInto} IS NULL AND ${NAMES.u.erasedAt} IS NULL
        ORDER BY u.id LIMIT ${USER_CHUNK}`,
      [lastId],
    );
  }
}

/** Whether the user is verified. An expired approval is not lost by the new rules, even if its expiry is not recorded yet. */
function isVerifiedAt({ verificationStatus, expiresAt }: UserNode, now: Date): boolean {
  const expired = expiresAt !== null && expiresAt <= toInstantText(now);
  return verificationStatus === 'VERIFIED' && !expired;
}

function toEffect(was: boolean, { verificationStatus }: UserNode): ReprojectionEffect {
  const is = verificationStatus === 'VERIFIED';
  return {
    users: 1,
    verified: Number(was),
    lost: Number(was && !is),
    gained: Number(is && !was),
  };
}
