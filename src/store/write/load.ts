/** Loads the rows that a group of deliveries can affect into a unit of work, in one statement. */

import { InvariantError } from '../../domain/errors';
import { type ProviderId, splitLevelKey } from '../../domain/level';
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
  assertLoadable,
  type EventRow,
  type LoadedAttemptRow,
  loadHistory,
  PAGE_BYTES,
} from './load-history';

const convertUser = createConverter(UserEntity);
const convertIdentity = createConverter(IdentityEntity);
const convertEvent = createConverter(EventEntity);
const convertAttempt = createConverter(AttemptEntity);
const convertUserLevel = createConverter(UserLevelEntity);

/**
 * Loads everything that a lookup leads to. Skips users that are already in the unit of work: it has their unsaved changes.
 *
 * @throws {AccountTooLargeError} If the history exceeds `MAX_HISTORY_BYTES`.
 */
export async function load(
  unit: UnitOfWork,
  connection: Connection,
  keyRing: KeyRing,
  lookup: Lookup,
): Promise<void> {
  const missing = await loadOnce(unit, connection, keyRing, lookup);
  // A stored event may refer to yet another user, if the provider has reported the identity under several external user IDs.
  if (missing.length > 0) await load(unit, connection, keyRing, { externalUserIds: missing });
}

/** Returns the external user IDs that loaded events refer to and that were not looked up yet. */
async function loadOnce(
  unit: UnitOfWork,
  connection: Connection,
  keyRing: KeyRing,
  lookup: Lookup,
): Promise<readonly string[]> {
  const [row] = await connection.query<LoadSql>(connection.dialect.load, [JSON.stringify(lookup)]);
  if (row === undefined) throw new InvariantError('Load statement returned no row');
  const read: ReadList = (column) => JSON.parse(String(row[column] ?? '[]'));

  const [lastIds] = read<Record<(typeof TABLES)[number], number>>('last_ids');
  for (const table of TABLES) {
    unit.lastIds[table] = Math.max(unit.lastIds[table], lastIds?.[table] ?? 0);
  }
  unit.hasErasures = Boolean(row.has_erasures);
  const users = addUsers(unit, read('users'));
  const identities = addIdentities(unit, users, read('identities'), keyRing);
  addLevels(users, read('user_levels'));
  if (!lookup.withoutHistory) {
    await addHistory(unit, connection, identities, { bytes: Number(row.history_bytes), read });
  }
  addAliases(unit, read('aliases'));
  addDeliveries(unit, read('deliveries'), read('last_deliveries'));
  addCredentials(unit, read('credentials'));

  for (const id of lookup.externalUserIds ?? []) unit.checkedExternalIds.add(id);
  const referenced = [...getExternalUserIds(identities.values())];
  if (unit.hasErasures) for (const id of referenced) unit.referencedExternalIds.add(id);
  return referenced.filter(
    (id) => !unit.usersByExternalId.has(id) && !unit.checkedExternalIds.has(id),
  );
}

/** All other columns are JSON lists. */
interface LoadSql {
  readonly has_erasures: Flag;
  /** Size of events and attempts. Above `PAGE_BYTES` their lists are null. */
  readonly history_bytes: number;
  readonly [list: string]: Flag | number | string | null;
}

type ReadList = <T>(column: string) => readonly T[];

function getExternalUserIds(identities: Iterable<IdentityNode>): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const { events } of identities) {
    for (const { event } of events) {
      if (event.externalUserId !== undefined) ids.add(event.externalUserId);
    }
  }
  return ids;
}

// ── Users and identities ────────────────────────────────────────────────────────────────────────────────────────────

function addUsers(
  unit: UnitOfWork,
  rows: readonly RowOf<UserEntity>[],
): ReadonlyMap<number, UserNode> {
  const added = new Map<number, UserNode>();
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
    added.set(user.id, user);
  }
  return added;
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
  const added = new Map<number, IdentityNode>();
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
    added.set(identity.id, identity);
  }
  return added;
}

function liveKey(keyRing: KeyRing, hex: string | null, dataKeyId: string | null): Cipher {
  const dataKey = hex === null ? null : Buffer.from(hex, 'hex');
  const cipher = unwrapKey(keyRing, { dataKey, dataKeyId });
  if (cipher === undefined) throw new Error('the key of this identity was destroyed');
  return cipher;
}

type Alias = readonly [externalUserId: string, userId: number];

function addAliases(unit: UnitOfWork, aliases: readonly Alias[]): void {
  for (const [externalUserId, userId] of aliases) {
    const user = getLiveUser(unit, userId);
    if (user !== undefined && !unit.usersByExternalId.has(externalUserId)) {
      unit.usersByExternalId.set(externalUserId, user);
    }
  }
}

/** Follows merges: the unit of work may have merges that are not saved yet. */
function getLiveUser(unit: UnitOfWork, userId: number): UserNode | undefined {
  const user = unit.users.get(userId);
  const target = user?.mergedInto ?? null;
  return target === null ? user : getLiveUser(unit, target);
}

// ── History ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface History {
  readonly bytes: number;
  readonly read: ReadList;
}

/** Adds the events and attempts in the result, or reads them in pages if they are too large for one result. */
async function addHistory(
  unit: UnitOfWork,
  connection: Connection,
  identities: ReadonlyMap<number, IdentityNode>,
  { bytes, read }: History,
): Promise<void> {
  assertLoadable(bytes);
  unit.bytes += bytes;
  if (bytes <= PAGE_BYTES) {
    addEvents(identities, read('events'));
    addAttempts(identities, read('attempts'));
    return;
  }
  const { allowPause } = connection.dialect;
  if (allowPause !== null) await connection.query(allowPause);
  await loadHistory(connection, [...identities.keys()], {
    addEvents: (rows) => addEvents(identities, rows),
    addAttempts: (rows) => addAttempts(identities, rows),
  });
}

function addEvents(identities: ReadonlyMap<number, IdentityNode>, rows: readonly EventRow[]): void {
  for (const row of rows) {
    const { identityId, body: event, ...rest } = convertEvent(row);
    identities.get(identityId)?.events.push({ ...rest, event });
  }
}

function addAttempts(
  identities: ReadonlyMap<number, IdentityNode>,
  rows: readonly LoadedAttemptRow[],
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

// ── Deliveries and credentials ──────────────────────────────────────────────────────────────────────────────────────

type LastDeliveries = readonly [provider: ProviderId, recurring: number, quarantined: number];

function addDeliveries(
  unit: UnitOfWork,
  deliveries: readonly KnownDelivery[],
  lastDeliveries: readonly LastDeliveries[],
): void {
  for (const delivery of deliveries) {
    if (unit.deliveriesById.has(delivery.id)) continue;
    unit.deliveries.set(pairKey(delivery.provider, delivery.duplicateKey), delivery);
    unit.deliveriesById.set(delivery.id, delivery);
  }
  for (const [provider, recurring, quarantined] of lastDeliveries) {
    updateLastDeliveries(unit, provider, { recurring, quarantined });
  }
}

function addCredentials(
  unit: UnitOfWork,
  rows: readonly Omit<RowOf<CredentialEntity>, 'deliveryId'>[],
): void {
  for (const { id, provider, credentialRef, ...credential } of rows) {
    const key = pairKey(provider, credentialRef);
    const known = unit.credentials.get(key);
    if (unit.deletedCredentials.has(id)) continue;
    if (known && !isLaterCredential(credential, known)) continue;
    unit.credentials.set(key, credential);
  }
}
