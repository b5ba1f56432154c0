/** Makes one account of a user a user of its own, so that it can be erased and the rest of the user remains. */

import { AccountTooLargeError, InvariantError } from '../domain/errors';
import { isActive, type StateRules } from '../domain/fold/user';
import { toInstantText } from '../domain/instant';
import { evaluateState } from '../domain/policy';
import type { KeyRing } from '../encryption/key-ring';
import {
  appendChanges,
  type ChangeContext,
  createPendingChange,
} from '../projector/change-entries';
import { reproject } from '../projector/reproject';
import {
  clearChanges,
  createUnitOfWork,
  type IdentityNode,
  type LevelNode,
  type UnitOfWork,
  type UserNode,
} from '../projector/unit-of-work';
import { createUser, moveIdentity } from '../projector/users';
import type { Connection, Database } from './database/database';
import { load } from './write/load';

export interface Parting {
  readonly connection: Connection;
  readonly save: Database['save'];
  readonly keyRing: KeyRing;
  readonly rules: StateRules;
  readonly changeActor: string;
  readonly now: Date;
}

/** The user that the account has become, in a unit of work that is saved up to here. */
export interface Parted {
  readonly unit: UnitOfWork;
  readonly user: UserNode;
}

/**
 * Runs in an open transaction.
 *
 * @param bare - Graph with the whole user, without history.
 * @param account - In `bare`.
 */
export async function partAccount(
  parting: Parting,
  bare: UnitOfWork,
  account: IdentityNode,
): Promise<Parted> {
  const { save, rules, now } = parting;
  const unit = await loadWhole(parting, account.user);
  if (unit === null) return await partUnread(parting, bare, account);
  const from = userOf(unit, account.user.id);
  const whole = [...from.identities].find(({ id }) => id === account.id);
  if (whole === undefined) throw new InvariantError('Account was not loaded with its user');
  const alone = createUser(unit, null, now);
  moveIdentity(whole, alone, now);
  const both = [from, alone];
  reproject(unit, { users: both, split: both }, occasionOf(parting), { ...rules, now });
  await save(unit);
  clearChanges(unit);
  return { unit, user: alone };
}

/** Returns null if the history is too large to be loaded. */
async function loadWhole(
  { connection, keyRing }: Parting,
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
 * Parts without folding: each level goes to the user whose account has its latest attempt. What remains of the old user is
 * projected again if its history can be loaded now.
 */
async function partUnread(
  parting: Parting,
  unit: UnitOfWork,
  account: IdentityNode,
): Promise<Parted> {
  const { connection, save, rules, now } = parting;
  const from = account.user;
  const levels = await levelsOf(connection, account);
  const alone = createUser(unit, null, now);
  moveIdentity(account, alone, now);
  for (const level of levels) {
    from.levels.delete(level.levelKey);
    alone.levels.set(level.levelKey, level);
    for (const { id } of [from, alone]) {
      const { levelKey } = level;
      unit.dirtyLevels.set(`${id} ${levelKey}`, { userId: id, levelKey });
    }
  }
  for (const user of [from, alone]) {
    const draft = createPendingChange(user);
    const { status, since, expiresAt } = evaluateState(rules.policy, user.levels);
    user.verificationStatus = status;
    user.statusSince = since;
    user.expiresAt = expiresAt;
    user.active = isActive([...user.identities].map(({ state }) => state));
    draft.verificationStatus = status;
    draft.active = user.active;
    appendChanges(unit, [draft], occasionOf(parting), now);
  }
  await save(unit);
  clearChanges(unit);
  const rest = await loadWhole(parting, from);
  if (rest !== null) {
    reproject(rest, { users: [userOf(rest, from.id)] }, occasionOf(parting), { ...rules, now });
    await save(rest);
    Object.assign(unit.lastIds, rest.lastIds);
  }
  return { unit, user: alone };
}

/** Levels of the user whose latest attempt belongs to the account. */
async function levelsOf(
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

function userOf(unit: UnitOfWork, userId: number): UserNode {
  const user = unit.users.get(userId);
  if (user === undefined) throw new InvariantError('User of an account is not loaded');
  return user;
}

function occasionOf({ changeActor, now }: Parting): ChangeContext {
  return { kind: 'LINK', deliveryId: null, actor: changeActor, occurredAt: toInstantText(now) };
}
