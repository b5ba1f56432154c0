/** Reads into a graph, in one statement, all that a group of deliveries can touch. */

import type { VerificationEvent } from '../domain/event';
import type { Connection } from './connection';
import {
  type AttemptNode,
  type Graph,
  type IdentityNode,
  isLaterWord,
  type KnownCredential,
  type KnownDelivery,
  type LevelNode,
  noteLastWords,
  pairKey,
  type StoredEvent,
  TABLES,
  type UserNode,
} from './graph';
import type { KeyRing } from './key-ring';

export interface Lookup {
  /** [provider, duplicate key] */
  readonly duplicates?: readonly (readonly [string, string])[];
  /** [provider, subject ref] */
  readonly subjects?: readonly (readonly [string, string])[];
  readonly externalUserIds?: readonly string[];
  readonly userIds?: readonly number[];
  /** [provider, credential ref] */
  readonly credentials?: readonly (readonly [string, string])[];
  /** Providers. */
  readonly lastWordsOf?: readonly string[];
}

/** Users that are already in the graph are left as they are: what the transaction has changed is not read again. */
export async function loadGraph(
  graph: Graph,
  connection: Connection,
  keyRing: KeyRing,
  lookup: Lookup,
): Promise<void> {
  const missing = await loadOnce(graph, connection, keyRing, lookup);
  // An event may name a user that nothing else here leads to: a vendor that changed its mind about who somebody is.
  if (missing.length > 0) await loadGraph(graph, connection, keyRing, { externalUserIds: missing });
}

async function loadOnce(
  graph: Graph,
  connection: Connection,
  keyRing: KeyRing,
  lookup: Lookup,
): Promise<readonly string[]> {
  const [row] = await connection.query<Record<string, string>>(LOAD, [JSON.stringify(lookup)]);
  if (row === undefined) throw new Error('the load statement answers one row');
  const read = <T>(column: string): readonly T[] => JSON.parse(row[column] ?? '[]');

  const [lastIds] = read<Record<(typeof TABLES)[number], number>>('last_ids');
  for (const table of TABLES) {
    graph.lastIds[table] = Math.max(graph.lastIds[table], lastIds?.[table] ?? 0);
  }
  const fresh = addUsers(graph, read('users'));
  const identities = addIdentities(graph, fresh, read('identities'), keyRing);
  addEvents(identities, read('events'));
  addAttempts(identities, read('attempts'));
  addLevels(fresh, read('user_levels'));
  for (const [externalUserId, userId] of read<[string, number]>('aliases')) {
    const user = survivorOf(graph, userId);
    if (user !== undefined && !graph.usersByExternalId.has(externalUserId)) {
      graph.usersByExternalId.set(externalUserId, user);
    }
  }
  for (const delivery of read<KnownDelivery>('deliveries')) {
    if (graph.deliveriesById.has(delivery.id)) continue;
    graph.deliveries.set(pairKey(delivery.provider, delivery.duplicateKey), delivery);
    graph.deliveriesById.set(delivery.id, delivery);
  }
  for (const [provider, recurring, unread] of read<[string, number, number]>('last_words')) {
    noteLastWords(graph, provider, { recurring, unread });
  }
  for (const { id, provider, ref, ...word } of read<CredentialJson>('credentials')) {
    const key = pairKey(provider, ref);
    const held = graph.credentials.get(key);
    if (graph.goneCredentials.has(id) || (held && !isLaterWord(word, held))) continue;
    graph.credentials.set(key, word);
  }
  const asked = new Set(lookup.externalUserIds);
  return [...namedUsers(identities.values())].filter(
    (id) => !graph.usersByExternalId.has(id) && !asked.has(id),
  );
}

interface CredentialJson extends KnownCredential {
  readonly id: number;
  readonly provider: string;
  readonly ref: string;
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

type UserJson = Omit<UserNode, 'active' | 'identities' | 'levels' | 'dirty'> & { active: 0 | 1 };

function addUsers(graph: Graph, rows: readonly UserJson[]): ReadonlyMap<number, UserNode> {
  const fresh = new Map<number, UserNode>();
  for (const row of rows) {
    if (graph.users.has(row.id)) continue;
    const user: UserNode = {
      ...row,
      active: row.active === 1,
      identities: new Set(),
      levels: new Map(),
      dirty: false,
    };
    graph.users.set(user.id, user);
    if (user.externalUserId !== null) graph.usersByExternalId.set(user.externalUserId, user);
    fresh.set(user.id, user);
  }
  return fresh;
}

interface IdentityJson extends Omit<IdentityNode, 'linked' | 'dataKey' | 'dirty' | 'moved'> {
  readonly userId: number;
  readonly linked: 0 | 1;
  readonly dataKeyHex: string;
}

function addIdentities(
  graph: Graph,
  users: ReadonlyMap<number, UserNode>,
  rows: readonly IdentityJson[],
  keyRing: KeyRing,
): ReadonlyMap<number, IdentityNode> {
  const fresh = new Map<number, IdentityNode>();
  for (const { userId, linked, dataKeyHex, ...row } of rows) {
    const user = users.get(userId);
    if (user === undefined) continue;
    const wrapped = { dataKey: Buffer.from(dataKeyHex, 'hex'), dataKeyId: row.dataKeyId };
    const identity: IdentityNode = {
      ...row,
      ...wrapped,
      user,
      linked: linked === 1,
      events: [],
      attempts: new Map(),
      cipher: () => keyRing.unwrap(wrapped),
      dirty: false,
      moved: false,
    };
    user.identities.add(identity);
    graph.identities.set(pairKey(identity.provider, identity.subjectRef), identity);
    fresh.set(identity.id, identity);
  }
  return fresh;
}

/** The user may have gone into another one in the graph, and not yet in what was loaded. */
function survivorOf(graph: Graph, userId: number): UserNode | undefined {
  const user = graph.users.get(userId);
  return user === undefined || user.mergedInto === null ? user : survivorOf(graph, user.mergedInto);
}

interface EventJson extends Omit<StoredEvent, 'event'> {
  readonly identityId: number;
  readonly body: string;
}

function addEvents(
  identities: ReadonlyMap<number, IdentityNode>,
  rows: readonly EventJson[],
): void {
  for (const { identityId, body, ...row } of rows) {
    const event: VerificationEvent = JSON.parse(body);
    identities.get(identityId)?.events.push({ ...row, event });
  }
}

interface AttemptJson
  extends Omit<AttemptNode, 'sandbox' | 'rejection' | 'reviewReasons' | 'levelKind'> {
  readonly identityId: number;
  readonly sandbox: 0 | 1;
  readonly rejection: string | null;
  readonly reviewReasons: string;
  readonly levelKind: AttemptNode['levelKind'];
}

function addAttempts(
  identities: ReadonlyMap<number, IdentityNode>,
  rows: readonly AttemptJson[],
): void {
  for (const { identityId, ...row } of rows) {
    const attempt: AttemptNode = {
      ...row,
      sandbox: row.sandbox === 1,
      rejection: row.rejection === null ? null : JSON.parse(row.rejection),
      reviewReasons: JSON.parse(row.reviewReasons),
    };
    identities.get(identityId)?.attempts.set(attempt.id, attempt);
  }
}

function addLevels(
  users: ReadonlyMap<number, UserNode>,
  rows: readonly {
    readonly userId: number;
    readonly levelKey: string;
    readonly kind: LevelNode['kind'];
    readonly status: 'NOT_VERIFIED' | 'VERIFIED' | 'EXPIRED';
    readonly since: string;
    readonly expiresAt: string | null;
    readonly withdrawn: 0 | 1;
    readonly latestAttemptId: number;
  }[],
): void {
  for (const { userId, levelKey, withdrawn, ...row } of rows) {
    users.get(userId)?.levels.set(levelKey, { ...row, withdrawn: withdrawn === 1 });
  }
}

const LOAD = `
WITH
found AS (
  SELECT i.user_id AS id
    FROM json_each(?1, '$.subjects') k
    CROSS JOIN identities i ON i.provider = k.value ->> 0 AND i.subject_ref = k.value ->> 1
  UNION
  SELECT coalesce(u.merged_into, u.id)
    FROM json_each(?1, '$.externalUserIds') k
    CROSS JOIN users u ON u.external_user_id = k.value
  UNION
  SELECT coalesce(u.merged_into, u.id)
    FROM json_each(?1, '$.userIds') k
    CROSS JOIN users u ON u.id = k.value
),
their AS (
  SELECT i.* FROM found CROSS JOIN identities i ON i.user_id = found.id
),
last_words AS (
  SELECT k.value AS provider,
    coalesce((SELECT max(d.id) FROM deliveries d
      WHERE d.provider = k.value AND instr(d.duplicate_key, '@') > 0), 0) AS recurring,
    coalesce((SELECT max(d.id) FROM deliveries d
      WHERE d.provider = k.value AND d.disposition = 'QUARANTINED'), 0) AS unread
    FROM json_each(?1, '$.lastWordsOf') k
)
SELECT
  (SELECT json_group_array(json_object(
      'id', u.id, 'externalUserId', u.external_user_id, 'mergedInto', u.merged_into,
      'verificationStatus', u.verification_status, 'statusSince', u.status_since,
      'expiresAt', u.expires_at, 'active', u.active, 'createdAt', u.created_at, 'updatedAt', u.updated_at))
    FROM found CROSS JOIN users u ON u.id = found.id) AS users,
  (SELECT json_group_array(json_array(u.external_user_id, coalesce(u.merged_into, u.id)))
    FROM json_each(?1, '$.externalUserIds') k
    CROSS JOIN users u ON u.external_user_id = k.value) AS aliases,
  (SELECT json_group_array(json_object(
      'id', i.id, 'userId', i.user_id, 'provider', i.provider, 'subjectRef', i.subject_ref,
      'externalUserId', i.external_user_id, 'state', i.state, 'linked', i.linked,
      'dataKeyHex', hex(i.data_key), 'dataKeyId', i.data_key_id,
      'undatedDeliveryId', i.undated_delivery_id, 'createdAt', i.created_at))
    FROM their i) AS identities,
  (SELECT json_group_array(json_object(
      'id', e.id, 'identityId', e.identity_id, 'deliveryId', e.delivery_id, 'key', e.key,
      'receivedAt', e.received_at, 'trust', e.trust, 'body', e.body))
    FROM their i CROSS JOIN events e ON e.identity_id = i.id) AS events,
  (SELECT json_group_array(json_object(
      'id', a.id, 'identityId', a.identity_id, 'levelKey', a.level_key, 'levelKind', l.kind,
      'number', a.number, 'attemptRef', a.attempt_ref, 'status', a.status,
      'providerStatus', a.provider_status, 'rejection', a.rejection,
      'reviewReasons', a.review_reasons, 'trust', a.trust, 'sandbox', a.sandbox,
      'startedAt', a.started_at, 'updatedAt', a.updated_at, 'decidedAt', a.decided_at))
    FROM their i CROSS JOIN attempts a ON a.identity_id = i.id JOIN levels l ON l.key = a.level_key) AS attempts,
  (SELECT json_group_array(json_object(
      'userId', v.user_id, 'levelKey', v.level_key, 'kind', v.kind, 'status', v.status, 'since', v.since,
      'expiresAt', v.expires_at, 'withdrawn', v.withdrawn, 'latestAttemptId', v.latest_attempt_id))
    FROM found CROSS JOIN user_levels v ON v.user_id = found.id) AS user_levels,
  (SELECT json_group_array(json_object(
      'id', d.id, 'provider', d.provider, 'duplicateKey', d.duplicate_key,
      'receivedAt', d.received_at, 'disposition', d.disposition))
    FROM deliveries d WHERE d.id IN (
      SELECT k2.id FROM json_each(?1, '$.duplicates') k
        CROSS JOIN deliveries k2 ON k2.provider = k.value ->> 0 AND k2.duplicate_key = k.value ->> 1
      UNION
      SELECT i.undated_delivery_id FROM their i WHERE i.undated_delivery_id IS NOT NULL
      UNION
      SELECT recurring FROM last_words
    )) AS deliveries,
  (SELECT json_group_array(json_array(provider, recurring, unread)) FROM last_words) AS last_words,
  (SELECT json_group_array(json_object(
      'id', c.id, 'provider', c.provider, 'ref', c.credential_ref, 'holderRef', c.holder_ref,
      'issuedAt', c.issued_at))
    FROM json_each(?1, '$.credentials') k
    CROSS JOIN credentials c ON c.provider = k.value ->> 0 AND c.credential_ref = k.value ->> 1) AS credentials,
  (SELECT json_array(json_group_object(name, seq)) FROM sqlite_sequence) AS last_ids
`;
