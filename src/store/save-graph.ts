/**
 * Writes what a transaction changed in its graph, in one call: a call costs more than most of what it does. All the
 * statements stand in a trigger of a view that exists on the writing connection alone; a row inserted into the view, with a
 * list per statement, runs them.
 */

import { LEVEL_KINDS, splitLevelKey } from '../domain/level';
import type { Connection } from './connection';
import type {
  AttemptNode,
  Graph,
  IdentityNode,
  LevelNode,
  NewCredential,
  NewDelivery,
  NewEvent,
  UserNode,
} from './graph';
import {
  type Bytes,
  type Column,
  createBytes,
  insertRows,
  type RowStatement,
  rowStatement,
  spread,
  update,
} from './row-statement';

/** Once per connection, after the migrations. */
export async function prepareSaving(connection: Connection): Promise<void> {
  const names = STATEMENTS.map((_, index) => `list_${index}`);
  const statements = STATEMENTS.map(
    ({ sql }, index) => `${sql(spread(`NEW.list_${index}`), 'NEW.bytes')};`,
  );
  await connection.query(
    `CREATE TEMP VIEW saved_graphs AS
      SELECT NULL AS version, NULL AS bytes, ${names.map((name) => `NULL AS ${name}`).join(', ')}`,
  );
  await connection.query(
    `CREATE TEMP TRIGGER save_graph INSTEAD OF INSERT ON saved_graphs BEGIN
      SELECT RAISE(ABORT, 'another process has written') WHERE NEW.version <> (${DATA_VERSION});
      ${statements.join('\n')}
    END`,
  );
}

const DATA_VERSION = 'SELECT data_version FROM pragma_data_version';

/** A number that is another one as soon as somebody else than this connection has written to the file. */
export async function dataVersion(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ data_version: number }>(DATA_VERSION);
  if (row === undefined) throw new Error('SQLite tells the version of its data');
  return row.data_version;
}

/**
 * What is to be saved is taken from the graph before this returns.
 *
 * @param version - Outside of a transaction: the `dataVersion` from before the graph was loaded. Nothing is saved upon
 *   another one.
 */
export async function saveGraph(
  graph: Graph,
  connection: Connection,
  version: number | null = null,
): Promise<void> {
  const bytes = createBytes();
  const lists = STATEMENTS.map(({ list }) => list(graph, bytes));
  if (lists.every((list) => list === null)) return;
  await connection.query(SAVE, [version, bytes.whole(), ...lists]);
}

interface GraphStatement {
  readonly sql: (rows: string, bytes: string) => string;
  /** JSON of the rows; `null` if there are none. */
  readonly list: (graph: Graph, bytes: Bytes) => string | null;
}

function saving<Row>(
  { sql, toValues }: RowStatement<Row>,
  rowsOf: (graph: Graph) => readonly Row[],
): GraphStatement {
  return {
    sql,
    list(graph, bytes) {
      const rows = rowsOf(graph);
      return rows.length === 0 ? null : JSON.stringify(rows.map((row) => toValues(row, bytes)));
    },
  };
}

/** A merge may hand an external id on: whoever has lost it is written before whoever has won it. */
function dirtyUsers(graph: Graph): readonly UserNode[] {
  return [...graph.users.values()]
    .filter((user) => user.dirty)
    .sort((a, b) => Number(a.externalUserId !== null) - Number(b.externalUserId !== null));
}

function dirtyIdentities(graph: Graph): readonly IdentityNode[] {
  return [...graph.identities.values()].filter((identity) => identity.dirty);
}

function dirtyLevels(graph: Graph): readonly PlacedLevel[] {
  return [...graph.dirtyLevels.values()].map(({ userId, levelKey }) => ({
    userId,
    levelKey,
    level: graph.users.get(userId)?.levels.get(levelKey),
  }));
}

interface PlacedLevel {
  readonly userId: number;
  readonly levelKey: string;
  readonly level: LevelNode | undefined;
}

interface HeldLevel extends PlacedLevel {
  readonly level: LevelNode;
}

function isHeld(placed: PlacedLevel): placed is HeldLevel {
  return placed.level !== undefined;
}

// ── Tables ──────────────────────────────────────────────────────────────────────────────────────────────────────

const USER_COLUMNS: readonly Column<UserNode>[] = [
  ['id', (user) => user.id],
  ['external_user_id', (user) => user.externalUserId],
  ['merged_into', (user) => user.mergedInto],
  ['verification_status', (user) => user.verificationStatus],
  ['status_since', (user) => user.statusSince],
  ['expires_at', (user) => user.expiresAt],
  ['active', (user) => Number(user.active)],
  ['created_at', (user) => user.createdAt],
  ['updated_at', (user) => user.updatedAt],
];
const USERS = insertRows('users', USER_COLUMNS, update(['id'], USER_COLUMNS));

/** Whoever was merged into a user that is now merged itself follows, so that one step always finds the survivor. */
const MERGES = rowStatement<UserNode>(
  (rows) =>
    `UPDATE users SET merged_into = j.value ->> 1 FROM ${rows} j WHERE users.merged_into = j.value ->> 0`,
  (user) => [user.id, user.mergedInto],
);

const IDENTITY_COLUMNS: readonly Column<IdentityNode>[] = [
  ['id', (identity) => identity.id],
  ['user_id', (identity) => identity.user.id],
  ['provider', (identity) => identity.provider],
  ['subject_ref', (identity) => identity.subjectRef],
  ['external_user_id', (identity) => identity.externalUserId],
  ['state', (identity) => identity.state],
  ['linked', (identity) => Number(identity.linked)],
  ['data_key', (identity) => identity.dataKey],
  ['data_key_id', (identity) => identity.dataKeyId],
  ['undated_delivery_id', (identity) => identity.undatedDeliveryId],
  ['created_at', (identity) => identity.createdAt],
];
const IDENTITIES = insertRows('identities', IDENTITY_COLUMNS, update(['id'], IDENTITY_COLUMNS));

const LEVELS = insertRows<[string, { readonly kind: string }]>(
  'levels',
  [
    ['key', ([key]) => key],
    ['provider', ([key]) => splitLevelKey(key).provider],
    ['name', ([key]) => splitLevelKey(key).name],
    ['kind', ([, { kind }]) => kind],
  ],
  `ON CONFLICT (key) DO UPDATE SET kind = excluded.kind WHERE ${rank('excluded.kind')} > ${rank('levels.kind')}`,
);

/** Place among the kinds, so that the lesser one holds. */
function rank(kind: string): string {
  return `instr('${LEVEL_KINDS.join(' ')}', ${kind})`;
}

const DELIVERY_COLUMNS: readonly Column<NewDelivery>[] = [
  ['id', (delivery) => delivery.id],
  ['provider', (delivery) => delivery.provider],
  ['duplicate_key', (delivery) => delivery.duplicateKey],
  ['duplicates', () => 0],
  ['received_at', (delivery) => delivery.receivedAt],
  ['trust', (delivery) => delivery.trust],
  ['disposition', (delivery) => delivery.disposition],
  ['reason_code', (delivery) => delivery.reason?.code ?? null],
  ['reason', (delivery) => delivery.reason?.message ?? null],
  ['event_type', (delivery) => delivery.eventType],
  ['subpath', (delivery) => delivery.subpath],
  ['identity_id', (delivery) => delivery.identityId],
  ['body', (delivery) => delivery.body],
  ['body_key_id', (delivery) => delivery.bodyKeyId],
];
const DELIVERIES = insertRows('deliveries', DELIVERY_COLUMNS);

const REWRITES = insertRows(
  'deliveries',
  DELIVERY_COLUMNS,
  update(
    ['id'],
    DELIVERY_COLUMNS.filter(([column]) => column !== 'duplicates'),
  ),
);

const REPEATS = rowStatement<[number, number]>(
  (rows) =>
    `UPDATE deliveries SET duplicates = duplicates + (j.value ->> 1) FROM ${rows} j WHERE deliveries.id = j.value ->> 0`,
  (repeat) => repeat,
);

const EVENTS = insertRows<NewEvent>('events', [
  ['id', ({ event }) => event.id],
  ['key', ({ event }) => event.key],
  ['delivery_id', ({ event }) => event.deliveryId],
  ['identity_id', ({ identityId }) => identityId],
  ['received_at', ({ event }) => event.receivedAt],
  ['trust', ({ event }) => event.trust],
  ['body', ({ event }) => JSON.stringify(event.event)],
  ['personal', sealPersonal],
]);

function sealPersonal({ personal, cipher }: NewEvent): Buffer | null {
  if (personal === null) return null;
  return cipher().seal(Buffer.from(JSON.stringify(personal)), 'event.personal');
}

const GONE_EVENTS = rowStatement<number>(
  (rows) => `DELETE FROM events WHERE id IN (SELECT value ->> 0 FROM ${rows})`,
  (id) => [id],
);

const CREDENTIAL_COLUMNS: readonly Column<NewCredential>[] = [
  ['id', (credential) => credential.id],
  ['provider', (credential) => credential.provider],
  ['holder_ref', (credential) => credential.holderRef],
  ['credential_ref', (credential) => credential.credentialRef],
  ['issued_at', (credential) => credential.issuedAt],
  ['delivery_id', (credential) => credential.deliveryId],
];
const CREDENTIALS = insertRows('credentials', CREDENTIAL_COLUMNS);

const GONE_CREDENTIALS = rowStatement<number>(
  (rows) => `DELETE FROM credentials WHERE id IN (SELECT value ->> 0 FROM ${rows})`,
  (id) => [id],
);

const MOVED_ATTEMPTS = rowStatement<IdentityNode>(
  (rows) =>
    `UPDATE attempts SET user_id = j.value ->> 1 FROM ${rows} j WHERE attempts.identity_id = j.value ->> 0`,
  (identity) => [identity.id, identity.user.id],
);

interface PlacedAttempt {
  readonly attempt: AttemptNode;
  readonly identity: IdentityNode;
}

const ATTEMPT_COLUMNS: readonly Column<PlacedAttempt>[] = [
  ['id', ({ attempt }) => attempt.id],
  ['identity_id', ({ identity }) => identity.id],
  ['user_id', ({ identity }) => identity.user.id],
  ['level_key', ({ attempt }) => attempt.levelKey],
  ['number', ({ attempt }) => attempt.number],
  ['attempt_ref', ({ attempt }) => attempt.attemptRef],
  ['status', ({ attempt }) => attempt.status],
  ['provider_status', ({ attempt }) => attempt.providerStatus],
  ['rejection', ({ attempt }) => attempt.rejection && JSON.stringify(attempt.rejection)],
  ['review_reasons', ({ attempt }) => JSON.stringify(attempt.reviewReasons)],
  ['trust', ({ attempt }) => attempt.trust],
  ['sandbox', ({ attempt }) => Number(attempt.sandbox)],
  ['started_at', ({ attempt }) => attempt.startedAt],
  ['updated_at', ({ attempt }) => attempt.updatedAt],
  ['decided_at', ({ attempt }) => attempt.decidedAt],
];
const ATTEMPTS = insertRows('attempts', ATTEMPT_COLUMNS, update(['id'], ATTEMPT_COLUMNS));

const GONE_ATTEMPTS = rowStatement<number>(
  (rows) => `DELETE FROM attempts WHERE id IN (SELECT value ->> 0 FROM ${rows})`,
  (id) => [id],
);

const USER_LEVEL_COLUMNS: readonly Column<HeldLevel>[] = [
  ['user_id', ({ userId }) => userId],
  ['level_key', ({ levelKey }) => levelKey],
  ['kind', ({ level }) => level.kind],
  ['status', ({ level }) => level.status],
  ['since', ({ level }) => level.since],
  ['expires_at', ({ level }) => level.expiresAt],
  ['withdrawn', ({ level }) => Number(level.withdrawn)],
  ['latest_attempt_id', ({ level }) => level.latestAttemptId],
];
const USER_LEVELS = insertRows(
  'user_levels',
  USER_LEVEL_COLUMNS,
  update(['user_id', 'level_key'], USER_LEVEL_COLUMNS),
);

const GONE_USER_LEVELS = rowStatement<PlacedLevel>(
  (rows) =>
    `DELETE FROM user_levels WHERE (user_id, level_key) IN (SELECT value ->> 0, value ->> 1 FROM ${rows})`,
  ({ userId, levelKey }) => [userId, levelKey],
);

const CHANGES = insertRows<Graph['changes'][number]>('changes', [
  ['id', (change) => change.seq],
  ['user_id', (change) => change.userId],
  ['provider', (change) => change.provider],
  ['level_key', (change) => change.levelKey],
  ['attempt_id', (change) => change.attemptId],
  ['attempt_status', (change) => change.attemptStatus],
  ['previous_attempt_status', (change) => change.previousAttemptStatus],
  ['level_status', (change) => change.levelStatus],
  ['previous_level_status', (change) => change.previousLevelStatus],
  ['verification_status', (change) => change.verificationStatus],
  ['previous_verification_status', (change) => change.previousVerificationStatus],
  ['active', (change) => Number(change.active)],
  ['previous_active', (change) => Number(change.previousActive)],
  ['rejection', (change) => change.rejection && JSON.stringify(change.rejection)],
  ['cause', ({ cause }) => cause.kind],
  ['delivery_id', ({ cause }) => cause.deliveryId],
  ['actor', ({ cause }) => cause.actor],
  ['merged_user_id', ({ cause }) => cause.mergedUserId],
  ['occurred_at', (change) => change.occurredAt],
  ['recorded_at', (change) => change.recordedAt.toISOString()],
]);

// ── Order ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Foreign keys are checked by statement, so what is pointed at goes first. */
const STATEMENTS: readonly GraphStatement[] = [
  saving(USERS, dirtyUsers),
  saving(MERGES, (graph) => dirtyUsers(graph).filter((user) => user.mergedInto !== null)),
  saving(IDENTITIES, dirtyIdentities),
  saving(LEVELS, (graph) => [...graph.levels]),
  saving(DELIVERIES, (graph) => graph.newDeliveries),
  saving(REWRITES, (graph) => graph.rewrittenDeliveries),
  saving(REPEATS, (graph) => [...graph.repeats]),
  saving(GONE_EVENTS, (graph) => graph.goneEvents),
  saving(EVENTS, (graph) => graph.newEvents),
  saving(GONE_CREDENTIALS, (graph) => [...graph.goneCredentials]),
  saving(CREDENTIALS, (graph) => graph.newCredentials),
  saving(MOVED_ATTEMPTS, (graph) => dirtyIdentities(graph).filter((identity) => identity.moved)),
  saving(ATTEMPTS, (graph) => [...graph.dirtyAttempts.values()]),
  saving(GONE_USER_LEVELS, (graph) => dirtyLevels(graph).filter((placed) => !isHeld(placed))),
  saving(USER_LEVELS, (graph) => dirtyLevels(graph).filter(isHeld)),
  saving(GONE_ATTEMPTS, (graph) => [...graph.goneAttempts]),
  saving(CHANGES, (graph) => graph.changes),
];

const SAVE = `INSERT INTO saved_graphs VALUES (?, ?, ${STATEMENTS.map(() => '?').join(', ')})`;
