/** Makes one identity a user of its own, so that it can be erased while its former user stays. */

import { AccountTooLargeError, InvariantError } from '../../domain/errors';
import { isActive, type StateRules } from '../../domain/fold/user';
import { toInstantText } from '../../domain/instant';
import { evaluateState } from '../../domain/policy';
import type { KeyRing } from '../../encryption/key-ring';
import {
  appendChanges,
  type ChangeContext,
  createPendingChange,
} from '../../projector/change-entries';
import { reproject } from '../../projector/reproject';
import {
  clearChanges,
  createUnitOfWork,
  type IdentityNode,
  type LevelNode,
  type UnitOfWork,
  type UserNode,
} from '../../projector/unit-of-work';
import { createUser, moveIdentity } from '../../projector/users';
import type { Connection, Database } from '../database/database';
import { load } from '../write/load';

export interface SplitOptions {
  readonly connection: Connection;
  readonly save: Database['save'];
  readonly keyRing: KeyRing;
  readonly rules: StateRules;
  readonly changeActor: string;
  readonly now: Date;
}

/** The new user, in a unit of work that is saved already. */
interface SplitUser {
  readonly unit: UnitOfWork;
  readonly user: UserNode;
}

/**
 * Runs in an open transaction.
 *
 * @param bare - Contains the user with all identities, without history.
 * @param identity - An identity in `bare`.
 */
export async function splitIdentity(
  options: SplitOptions,
  bare: UnitOfWork,
  identity: IdentityNode,
): Promise<SplitUser> {
  const { save, rules, now } = options;
  const unit = await loadWhole(options, identity.user);
  if (unit === null) return await splitWithoutHistory(options, bare, identity);
  const from = getUser(unit, identity.user.id);
  const whole = [...from.identities].find(({ id }) => id === identity.id);
  if (whole === undefined) throw new InvariantError('Identity was not loaded with its user');
  const split = createUser(unit, null, now);
  moveIdentity(whole, split, now);
  const both = [from, split];
  reproject(unit, { users: both, split: both }, toContext(options), { ...rules, now });
  await save(unit);
  clearChanges(unit);
  return { unit, user: split };
}

/** Returns null if the history is too large to be loaded. */
async function loadWhole(
  { connection, keyRing }: SplitOptions,
  { id }: UserNode,
): Promise<UnitOfWork | null> {
  const unit = createUnitOfWork();
  try {
    await load(unit, connection, keyRing, { userIds: [id] });
    return unit;
  } catch (error) {
    if (error instanceof AccountTooLargeError) return null;
    throw error;
  }
}

/**
 * Splits without the fold: each level goes to the user whose identity has its latest attempt. The former user is projected again
 * if the rest of its history can be loaded.
 */
async function splitWithoutHistory(
  options: SplitOptions,
  unit: UnitOfWork,
  identity: IdentityNode,
): Promise<SplitUser> {
  const { connection, save, rules, now } = options;
  const from = identity.user;
  const levels = await findLevels(connection, identity);
  const split = createUser(unit, null, now);
  moveIdentity(identity, split, now);
  for (const level of levels) {
    from.levels.delete(level.levelKey);
    split.levels.set(level.levelKey, level);
    for (const { id } of [from, split]) {
      const { levelKey } = level;
      unit.dirtyLevels.set(`${id} ${levelKey}`, { userId: id, levelKey });
    }
  }
  for (const user of [from, split]) {
    const change = createPendingChange(user);
    const { status, since, expiresAt } = evaluateState(rules.policy, user.levels);
    user.verificationStatus = status;
    user.statusSince = since;
    user.expiresAt = expiresAt;
    user.active = isActive([...user.identities].map(({ state }) => state));
    change.verificationStatus = status;
    change.active = user.active;
    appendChanges(unit, [change], toContext(options), now);
  }
  await save(unit);
  clearChanges(unit);
  const rest = await loadWhole(options, from);
  if (rest !== null) {
    reproject(rest, { users: [getUser(rest, from.id)] }, toContext(options), { ...rules, now });
    await save(rest);
    Object.assign(unit.lastIds, rest.lastIds);
  }
  return { unit, user: split };
}

/** Returns the levels of the user whose latest attempt belongs to the identity. */
async function findLevels(
  connection: Connection,
  { id, user }: IdentityNode,
): Promise<readonly LevelNode[]> {
  const levels = [...user.levels.values()];
  const rows = await connection.query<{ id: number }>(
    'SELECT id FROM attempts WHERE id IN (?*) AND identity_id = ?',
    [levels.map(({ latestAttemptId }) => latestAttemptId), id],
  );
  const attempts = new Set(rows.map((row) => row.id));
  return levels.filter(({ latestAttemptId }) => attempts.has(latestAttemptId));
}

function getUser(unit: UnitOfWork, userId: number): UserNode {
  const user = unit.users.get(userId);
  if (user === undefined) throw new InvariantError('User of an identity is not loaded');
  return user;
}

function toContext({ changeActor, now }: SplitOptions): ChangeContext {
  return { kind: 'LINK', deliveryId: null, actor: changeActor, occurredAt: toInstantText(now) };
}
