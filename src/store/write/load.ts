/** Reads into a unit of work, in one statement, all that a group of deliveries can touch. */

import { InvariantError } from '../../domain/errors';
import { splitLevelKey } from '../../domain/level';
import { type Cipher, type KeyRing, unwrapKey } from '../../encryption/key-ring';
import { Lookup } from '../../projector/record-delivery';
import {
  type IdentityNode,
  isLaterCredential,
  type KnownDelivery,
  pairKey,
  TABLES,
  type UnitOfWork,
  type UserNode,
  updateLastDeliveries,
} from '../../projector/unit-of-work';
import type { Connection, Flag } from '../database/database';
import { AttemptEntity } from '../entities/attempt.entity';
import { createConverter, type RowOf } from '../entities/columns';
import type { CredentialEntity } from '../entities/credential.entity';
import { EventEntity } from '../entities/event.entity';
import { IdentityEntity } from '../entities/identity.entity';
import { UserEntity } from '../entities/user.entity';
import { UserLevelEntity } from '../entities/user-level.entity';
import {
  type AttemptRow,
  assertLoadable,
  type EventRow,
  loadHistory,
  PAGE_BYTES,
} from './load-history';

const convertUser = createConverter(UserEntity);
const convertIdentity = createConverter(IdentityEntity);
const convertEvent = createConverter(EventEntity);
const convertAttempt = createConverter(AttemptEntity);
const convertUserLevel = createConverter(UserLevelEntity);

/** Users that are already in the unit of work are left as they are: what the transaction has changed is not read again. */
export async function load(
  unit: UnitOfWork,
  connection: Connection,
  keyRing: KeyRing,
  lookup: Lookup,
): Promise<void> {
  const missing = await loadOnce(unit, connection, keyRing, lookup);
  // An event may name a user that nothing else here leads to: a vendor that changed its mind about who somebody is.
  if (missing.length > 0) await load(unit, connection, keyRing, { externalUserIds: missing });
}

async function loadOnce(
  unit: UnitOfWork,
  connection: Connection,
  keyRing: KeyRing,
  lookup: Lookup,
): Promise<readonly string[]> {
  const [row] = await connection.query<LoadSql>(connection.dialect.load, [JSON.stringify(lookup)]);
  if (row === undefined) throw new InvariantError('Load statement returned no row');
  const read = <T>(column: string): readonly T[] => JSON.parse(String(row[column] ?? '[]'));

  const [lastIds] = read<Record<(typeof TABLES)[number], number>>('last_ids');
  for (const table of TABLES) {
    unit.lastIds[table] = Math.max(unit.lastIds[table], lastIds?.[table] ?? 0);
  }
  unit.hasErasures = Boolean(row.any_erased);
  const fresh = addUsers(unit, read('users'));
  const identities = addIdentities(unit, fresh, read('identities'), keyRing);
  addLevels(fresh, read('user_levels'));
  const bytes = lookup.withoutHistory ? 0 : Number(row.history_bytes);
  assertLoadable(bytes);
  unit.bytes += bytes;
  if (lookup.withoutHistory) {
    // No code reads it: the caller changes identities and users only.
  } else if (bytes <= PAGE_BYTES) {
    addEvents(identities, read('events'));
    addAttempts(identities, read('attempts'));
  } else {
    const { allowPause } = connection.dialect;
    if (allowPause !== null) await connection.query(allowPause);
    await loadHistory(connection, [...identities.keys()], {
      addEvents: (rows) => addEvents(identities, rows),
      addAttempts: (rows) => addAttempts(identities, rows),
    });
  }
  for (const [externalUserId, userId] of read<[string, number]>('aliases')) {
    const user = survivorOf(unit, userId);
    if (user !== undefined && !unit.usersByExternalId.has(externalUserId)) {
      unit.usersByExternalId.set(externalUserId, user);
    }
  }
  for (const delivery of read<KnownDelivery>('deliveries')) {
    if (unit.deliveriesById.has(delivery.id)) continue;
    unit.deliveries.set(pairKey(delivery.provider, delivery.duplicateKey), delivery);
    unit.deliveriesById.set(delivery.id, delivery);
  }
  for (const [provider, recurring, unread] of read<[string, number, number]>('last_words')) {
    updateLastDeliveries(unit, provider, { recurring, quarantined: unread });
  }
  for (const { id, provider, credentialRef, ...word } of read<
    Omit<RowOf<CredentialEntity>, 'deliveryId'>
  >('credentials')) {
    const key = pairKey(provider, credentialRef);
    const held = unit.credentials.get(key);
    if (unit.deletedCredentials.has(id) || (held && !isLaterCredential(word, held))) continue;
    unit.credentials.set(key, word);
  }
  for (const id of lookup.externalUserIds ?? []) unit.checkedExternalIds.add(id);
  const named = [...namedUsers(identities.values())];
  if (unit.hasErasures) for (const id of named) unit.referencedExternalIds.add(id);
  return named.filter((id) => !unit.usersByExternalId.has(id) && !unit.checkedExternalIds.has(id));
}

/** Every other column is a JSON list. */
interface LoadSql {
  readonly any_erased: Flag;
  /** Of events and attempts; above `PAGE_BYTES` their lists are null. */
  readonly history_bytes: number;
  readonly [list: string]: Flag | number | string | null;
}

function namedUsers(identities: Iterable<IdentityNode>): ReadonlySet<string> {
  const named = new Set<string>();
  for (const { events } of identities) {
    for (const { event } of events) {
      if (event.externalUserId !== undefined) named.add(event.externalUserId);
    }
  }
  return named;
}

function addUsers(
  unit: UnitOfWork,
  rows: readonly RowOf<UserEntity>[],
): ReadonlyMap<number, UserNode> {
  const fresh = new Map<number, UserNode>();
  for (const row of rows) {
    if (unit.users.has(row.id)) continue;
    const user: UserNode = {
      ...convertUser(row),
      identities: new Set(),
      levels: new Map(),
      blockers: new Map(),
      stale: true,
      dirty: false,
    };
    unit.users.set(user.id, user);
    if (user.externalUserId !== null) unit.usersByExternalId.set(user.externalUserId, user);
    fresh.set(user.id, user);
  }
  return fresh;
}

interface IdentityJson extends RowOf<IdentityEntity> {
  /** `null` if it was destroyed, like its ID. */
  readonly dataKeyHex: string | null;
  readonly dataKeyId: string | null;
}

function addIdentities(
  unit: UnitOfWork,
  users: ReadonlyMap<number, UserNode>,
  rows: readonly IdentityJson[],
  keyRing: KeyRing,
): ReadonlyMap<number, IdentityNode> {
  const fresh = new Map<number, IdentityNode>();
  for (const { userId, dataKeyHex, dataKeyId, ...row } of rows) {
    const user = users.get(userId);
    if (user === undefined) continue;
    const identity: IdentityNode = {
      ...convertIdentity(row),
      user,
      events: [],
      fold: null,
      resolvedEvents: 0,
      attempts: new Map(),
      cipher: () => liveKey(keyRing, dataKeyHex, dataKeyId),
      dirty: false,
      moved: false,
    };
    user.identities.add(identity);
    unit.identities.set(pairKey(identity.provider, identity.subjectRef), identity);
    fresh.set(identity.id, identity);
  }
  return fresh;
}

function liveKey(keyRing: KeyRing, hex: string | null, dataKeyId: string | null): Cipher {
  const dataKey = hex === null ? null : Buffer.from(hex, 'hex');
  const cipher = unwrapKey(keyRing, { dataKey, dataKeyId });
  if (cipher === undefined) throw new Error('the key of this identity was destroyed');
  return cipher;
}

/** The user may have gone into another one in the unit of work, and not yet in what was loaded. */
function survivorOf(unit: UnitOfWork, userId: number): UserNode | undefined {
  const user = unit.users.get(userId);
  return user === undefined || user.mergedInto === null ? user : survivorOf(unit, user.mergedInto);
}

function addEvents(identities: ReadonlyMap<number, IdentityNode>, rows: readonly EventRow[]): void {
  for (const row of rows) {
    const { identityId, body: event, ...rest } = convertEvent(row);
    identities.get(identityId)?.events.push({ ...rest, event });
  }
}

function addAttempts(
  identities: ReadonlyMap<number, IdentityNode>,
  rows: readonly AttemptRow[],
): void {
  for (const row of rows) {
    const { identityId, ...attempt } = convertAttempt(row);
    const attempts = identities.get(identityId)?.attempts;
    const level = attempts?.get(attempt.levelKey) ?? [];
    attempts?.set(attempt.levelKey, level);
    level.push(attempt);
  }
}

function addLevels(
  users: ReadonlyMap<number, UserNode>,
  rows: readonly RowOf<UserLevelEntity>[],
): void {
  for (const row of rows) {
    const { userId, ...level } = convertUserLevel(row);
    const { provider } = splitLevelKey(level.levelKey);
    users.get(userId)?.levels.set(level.levelKey, { ...level, provider });
  }
}
