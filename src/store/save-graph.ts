/** Writes what a transaction changed in its graph: one statement a table, whatever the number of rows. */

import type { Connection, Parameter } from './connection';
import type { Graph } from './graph';

/** Every call is awaited before the next: on one connection, statements in flight together lose rows. */
export async function saveGraph(graph: Graph, connection: Connection): Promise<void> {
  const write = async (sql: string, rows: readonly unknown[]) => {
    if (rows.length > 0) await connection.query(sql, [JSON.stringify(rows)] satisfies Parameter[]);
  };
  // A merge may hand an external id on: whoever has lost it is written before whoever has won it.
  const users = [...graph.users.values()]
    .filter((user) => user.dirty)
    .sort((a, b) => Number(a.externalUserId !== null) - Number(b.externalUserId !== null));
  const identities = [...graph.identities.values()].filter((identity) => identity.dirty);

  // Foreign keys are checked by statement, so what is pointed at goes first.
  await write(USERS, users.map(toUserRow));
  await write(
    MERGES,
    users.filter((user) => user.mergedInto !== null).map((user) => [user.id, user.mergedInto]),
  );
  await write(IDENTITIES, identities.map(toIdentityRow));
  await write(
    LEVELS,
    [...graph.levels].map(([key, level]) => ({ key, ...level })),
  );
  await write(DELIVERIES, graph.newDeliveries.map(toDeliveryRow));
  await write(REWRITES, graph.rewrittenDeliveries.map(toDeliveryRow));
  await write(REPEATS, [...graph.repeats]);
  await write(GONE_EVENTS, graph.goneEvents);
  await write(EVENTS, graph.newEvents.map(toEventRow));
  await write(CREDENTIALS, graph.newCredentials);
  await write(
    MOVED_ATTEMPTS,
    identities.map((identity) => [identity.id, identity.user.id]),
  );
  await write(ATTEMPTS, [...graph.dirtyAttempts.values()].map(toAttemptRow));
  await saveLevels(graph, write);
  await write(GONE_ATTEMPTS, [...graph.goneAttempts]);
  await write(CHANGES, graph.changes.map(toChangeRow));
}

async function saveLevels(
  graph: Graph,
  write: (sql: string, rows: readonly unknown[]) => Promise<void>,
): Promise<void> {
  const held: unknown[] = [];
  const gone: unknown[] = [];
  for (const { userId, levelKey } of graph.dirtyLevels.values()) {
    const level = graph.users.get(userId)?.levels.get(levelKey);
    if (level === undefined) gone.push([userId, levelKey]);
    else held.push({ userId, levelKey, ...level, withdrawn: Number(level.withdrawn) });
  }
  await write(GONE_USER_LEVELS, gone);
  await write(USER_LEVELS, held);
}

type UserNode = Graph['users'] extends Map<number, infer Node> ? Node : never;
type IdentityNode = Graph['identities'] extends Map<string, infer Node> ? Node : never;

function toUserRow({ identities: _, levels: __, dirty: ___, ...user }: UserNode): unknown {
  return { ...user, active: Number(user.active) };
}

function toIdentityRow(identity: IdentityNode): unknown {
  return {
    id: identity.id,
    userId: identity.user.id,
    provider: identity.provider,
    subjectRef: identity.subjectRef,
    externalUserId: identity.externalUserId,
    state: identity.state,
    linked: Number(identity.linked),
    dataKey: identity.dataKey.toString('hex'),
    dataKeyId: identity.dataKeyId,
    undatedDeliveryId: identity.undatedDeliveryId,
    createdAt: identity.createdAt,
  };
}

function toDeliveryRow(delivery: Graph['newDeliveries'][number]): unknown {
  const { body, reason, ...row } = delivery;
  return {
    ...row,
    body: body.toString('hex'),
    reasonCode: reason?.code ?? null,
    reason: reason?.message ?? null,
  };
}

function toEventRow({ event, identityId, personal, cipher }: Graph['newEvents'][number]): unknown {
  const sealed =
    personal === null
      ? null
      : cipher()
          .seal(Buffer.from(JSON.stringify(personal)), 'event.personal')
          .toString('hex');
  return {
    id: event.id,
    key: event.key,
    deliveryId: event.deliveryId,
    identityId,
    receivedAt: event.receivedAt,
    trust: event.trust,
    body: JSON.stringify(event.event),
    personal: sealed,
  };
}

function toAttemptRow({
  attempt,
  identity,
}: {
  readonly attempt: {
    readonly sandbox: boolean;
    readonly rejection: unknown;
    readonly reviewReasons: unknown;
  };
  readonly identity: IdentityNode;
}): unknown {
  return {
    ...attempt,
    identityId: identity.id,
    userId: identity.user.id,
    sandbox: Number(attempt.sandbox),
    rejection: attempt.rejection === null ? null : JSON.stringify(attempt.rejection),
    reviewReasons: JSON.stringify(attempt.reviewReasons),
  };
}

function toChangeRow({ cause, ...change }: Graph['changes'][number]): unknown {
  return {
    ...change,
    id: change.seq,
    active: Number(change.active),
    previousActive: Number(change.previousActive),
    rejection: change.rejection === null ? null : JSON.stringify(change.rejection),
    recordedAt: change.recordedAt.toISOString(),
    cause: cause.kind,
    deliveryId: cause.deliveryId,
    actor: cause.actor,
    mergedUserId: cause.mergedUserId,
  };
}

// ── Statements ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** A column and the expression that reads it from the JSON row; a field of the same name in camel case by default. */
type ColumnSpec = readonly string[];

function upsert(table: string, columns: ColumnSpec, onConflict = ''): string {
  const values = columns.map((column) => {
    const field = `j.value ->> '$.${column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}'`;
    return BLOBS.has(column) ? `unhex(${field})` : field;
  });
  // "WHERE true" keeps SQLite from reading ON CONFLICT as a join condition.
  return `INSERT INTO ${table} (${columns.join(', ')})
    SELECT ${values.join(', ')} FROM json_each(?1) j WHERE true ${onConflict}`;
}

function updating(key: string, columns: ColumnSpec): string {
  return `ON CONFLICT (${key}) DO UPDATE SET ${columns.map((c) => `${c} = excluded.${c}`).join(', ')}`;
}

const BLOBS = new Set(['data_key', 'personal']);

const USERS = upsert(
  'users',
  [
    'id',
    'external_user_id',
    'merged_into',
    'verification_status',
    'status_since',
    'expires_at',
    'active',
    'created_at',
    'updated_at',
  ],
  updating('id', [
    'external_user_id',
    'merged_into',
    'verification_status',
    'status_since',
    'expires_at',
    'active',
    'updated_at',
  ]),
);

/** Whoever was merged into a user that is now merged itself follows, so that one step always finds the survivor. */
const MERGES = `
  UPDATE users SET merged_into = j.value ->> 1
  FROM json_each(?1) j WHERE users.merged_into = j.value ->> 0`;

const IDENTITIES = upsert(
  'identities',
  [
    'id',
    'user_id',
    'provider',
    'subject_ref',
    'external_user_id',
    'state',
    'linked',
    'data_key',
    'data_key_id',
    'undated_delivery_id',
    'created_at',
  ],
  updating('id', ['user_id', 'external_user_id', 'state', 'linked', 'undated_delivery_id']),
);

const LEVELS = upsert(
  'levels',
  ['key', 'provider', 'name', 'kind'],
  `${updating('key', ['kind'])} WHERE levels.kind <> excluded.kind`,
);

const DELIVERIES = `
  INSERT INTO deliveries (id, provider, duplicate_key, duplicates, received_at, trust, disposition,
    reason_code, reason, event_type, subpath, identity_id, body, body_key_id)
  SELECT j.value ->> '$.id', j.value ->> '$.provider', j.value ->> '$.duplicateKey', 0,
    j.value ->> '$.receivedAt', j.value ->> '$.trust', j.value ->> '$.disposition',
    j.value ->> '$.reasonCode', j.value ->> '$.reason', j.value ->> '$.eventType', j.value ->> '$.subpath',
    j.value ->> '$.identityId', unhex(j.value ->> '$.body'), j.value ->> '$.bodyKeyId'
  FROM json_each(?1) j`;

const REWRITES = `
  UPDATE deliveries SET duplicate_key = j.value ->> '$.duplicateKey', disposition = j.value ->> '$.disposition',
    reason_code = j.value ->> '$.reasonCode', reason = j.value ->> '$.reason',
    event_type = j.value ->> '$.eventType', identity_id = j.value ->> '$.identityId',
    body = unhex(j.value ->> '$.body'), body_key_id = j.value ->> '$.bodyKeyId'
  FROM json_each(?1) j WHERE deliveries.id = j.value ->> '$.id'`;

const REPEATS = `
  UPDATE deliveries SET duplicates = duplicates + (j.value ->> 1)
  FROM json_each(?1) j WHERE deliveries.id = j.value ->> 0`;

const EVENTS = upsert('events', [
  'id',
  'key',
  'delivery_id',
  'identity_id',
  'received_at',
  'trust',
  'body',
  'personal',
]);

const GONE_EVENTS = 'DELETE FROM events WHERE id IN (SELECT value FROM json_each(?1))';

const CREDENTIALS = upsert('credentials', [
  'id',
  'provider',
  'holder_ref',
  'credential_ref',
  'issued_at',
  'delivery_id',
]);

const MOVED_ATTEMPTS = `
  UPDATE attempts SET user_id = j.value ->> 1
  FROM json_each(?1) j WHERE attempts.identity_id = j.value ->> 0 AND attempts.user_id <> j.value ->> 1`;

const ATTEMPT_WORD = [
  'attempt_ref',
  'status',
  'provider_status',
  'rejection',
  'review_reasons',
  'trust',
  'sandbox',
  'started_at',
  'updated_at',
  'decided_at',
];

const ATTEMPTS = upsert(
  'attempts',
  ['id', 'identity_id', 'user_id', 'level_key', 'number', ...ATTEMPT_WORD],
  updating('id', ['user_id', ...ATTEMPT_WORD]),
);

const GONE_ATTEMPTS = 'DELETE FROM attempts WHERE id IN (SELECT value FROM json_each(?1))';

const LEVEL_WORD = ['status', 'since', 'expires_at', 'withdrawn', 'latest_attempt_id'];

const USER_LEVELS = upsert(
  'user_levels',
  ['user_id', 'level_key', ...LEVEL_WORD],
  updating('user_id, level_key', LEVEL_WORD),
);

const GONE_USER_LEVELS = `
  DELETE FROM user_levels
  WHERE (user_id, level_key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))`;

const CHANGES = upsert('changes', [
  'id',
  'user_id',
  'provider',
  'level_key',
  'attempt_id',
  'attempt_status',
  'previous_attempt_status',
  'level_status',
  'previous_level_status',
  'verification_status',
  'previous_verification_status',
  'active',
  'previous_active',
  'rejection',
  'cause',
  'delivery_id',
  'actor',
  'merged_user_id',
  'occurred_at',
  'recorded_at',
]);
