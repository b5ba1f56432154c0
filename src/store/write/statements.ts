/** Statements that save a unit of work, and their order. Each engine supplies the syntax. */

import type { Change } from '../../domain/change';
import { LEVEL_KINDS, type LevelKey, splitLevelKey } from '../../domain/level';
import type {
  AttemptNode,
  IdentityNode,
  LevelNode,
  NewCredential,
  NewDelivery,
  NewEvent,
  NewKey,
  UnitOfWork,
  UserNode,
} from '../../projector/unit-of-work';
import { AttemptEntity } from '../entities/attempt.entity';
import { ChangeEntity } from '../entities/change.entity';
import { createRowWriter, getNames, type RowWriter } from '../entities/columns';
import { CredentialEntity } from '../entities/credential.entity';
import { DeliveryEntity } from '../entities/delivery.entity';
import { EventEntity } from '../entities/event.entity';
import { IdentityEntity, IdentityKeyEntity } from '../entities/identity.entity';
import { LevelEntity } from '../entities/level.entity';
import { UserEntity } from '../entities/user.entity';
import { UserLevelEntity } from '../entities/user-level.entity';

/** A unit of work with its changed rows, which are searched for once. */
export interface Unsaved {
  readonly unit: UnitOfWork;
  readonly users: readonly UserNode[];
  readonly identities: readonly IdentityNode[];
  readonly levels: readonly DirtyLevel[];
}

/** `level` is undefined if the row is to be deleted. */
interface DirtyLevel {
  readonly userId: number;
  readonly levelKey: LevelKey;
  readonly level: LevelNode | undefined;
}

export function toUnsaved(unit: UnitOfWork): Unsaved {
  return {
    unit,
    users: dirtyUsers(unit),
    identities: [...unit.identities.values()].filter(({ dirty }) => dirty),
    levels: [...unit.dirtyLevels.values()].map(({ userId, levelKey }) => ({
      userId,
      levelKey,
      level: unit.users.get(userId)?.levels.get(levelKey),
    })),
  };
}

/**
 * A merge can move an external user ID, which is unique. Saves users without an external ID first, so that the ID is released
 * before its new owner is saved.
 */
function dirtyUsers(unit: UnitOfWork): readonly UserNode[] {
  return [...unit.users.values()]
    .filter(({ dirty }) => dirty)
    .sort((a, b) => Number(a.externalUserId !== null) - Number(b.externalUserId !== null));
}

/** Returns `null` for an empty list. */
export function toList(rows: readonly unknown[]): string | null {
  return rows.length === 0 ? null : JSON.stringify(rows);
}

/** Statement builders of an engine. Each statement reads its rows from one JSON list. */
export interface Engine<Statement> {
  /** @param onConflict - `ON CONFLICT` clause. Absent if the rows cannot exist yet. */
  insertion<Row>(
    writer: RowWriter<Row>,
    getRows: (unsaved: Unsaved) => readonly Row[],
    onConflict?: string,
  ): Statement;
  /** @param sql - Reads rows that are lists of values. */
  change(
    sql: (rows: ListedRows) => string,
    getRows: (unsaved: Unsaved) => readonly (readonly (string | number | null)[])[],
  ): Statement;
  /** Function that returns the position of a text in another text. */
  readonly position: 'instr' | 'strpos';
}

export interface ListedRows {
  /** Follows FROM. */
  readonly from: string;
  /** Expression for the value at an index of a row. */
  number(index: number): string;
  text(index: number): string;
}

// ── Rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Erasure alone writes `erasedAt`. */
const USERS = createRowWriter(UserEntity, (user: UserNode) => user, {}, { except: ['erasedAt'] });

const IDENTITIES = createRowWriter(IdentityEntity, (identity: IdentityNode) => identity, {
  userId: ({ user }) => user.id,
});

const IDENTITY_KEYS = createRowWriter(IdentityKeyEntity, (key: NewKey) => key, {});

const LEVELS = createRowWriter(
  LevelEntity,
  ([, level]: [LevelKey, Pick<LevelNode, 'kind'>]) => level,
  {
    key: ([key]) => key,
    provider: ([key]) => splitLevelKey(key).provider,
    name: ([key]) => splitLevelKey(key).name,
  },
);

const DELIVERIES = createRowWriter(DeliveryEntity, (delivery: NewDelivery) => delivery, {
  duplicates: () => 0,
  reasonCode: ({ reason }) => reason?.code ?? null,
  reason: ({ reason }) => reason?.message ?? null,
});

const EVENTS = createRowWriter(EventEntity, ({ event }: NewEvent) => event, {
  identityId: ({ identityId }) => identityId,
  body: ({ event }) => event.event,
  personal: ({ personal, cipher }) =>
    personal === null
      ? null
      : cipher().encrypt(Buffer.from(JSON.stringify(personal)), 'event.personal'),
});

const CREDENTIALS = createRowWriter(
  CredentialEntity,
  (credential: NewCredential) => credential,
  {},
);

interface PlacedAttempt {
  readonly attempt: AttemptNode;
  readonly identity: IdentityNode;
}

const ATTEMPTS = createRowWriter(AttemptEntity, ({ attempt }: PlacedAttempt) => attempt, {
  identityId: ({ identity }) => identity.id,
  userId: ({ identity }) => identity.user.id,
});

interface PlacedLevel {
  readonly userId: number;
  readonly level: LevelNode;
}

const USER_LEVELS = createRowWriter(UserLevelEntity, ({ level }: PlacedLevel) => level, {
  userId: ({ userId }) => userId,
});

const CHANGES = createRowWriter(ChangeEntity, (change: Change) => change, {
  id: ({ seq }) => seq,
  cause: ({ cause }) => cause.kind,
  deliveryId: ({ cause }) => cause.deliveryId,
  actor: ({ cause }) => cause.actor,
  mergedUserId: ({ cause }) => cause.mergedUserId,
  recordedAt: ({ recordedAt }) => recordedAt.toISOString(),
});

// ── Statements ──────────────────────────────────────────────────────────────────────────────────────────────────────

const { mergedInto } = getNames(UserEntity);
const attempt = getNames(AttemptEntity);

/** Foreign keys are checked per statement, so referenced rows come first. */
export function writeStatements<Statement>(engine: Engine<Statement>): readonly Statement[] {
  const { insertion, change } = engine;

  const deletion = (table: string, getIds: (unit: UnitOfWork) => Iterable<number>) =>
    change(
      ({ from, number }) => `DELETE FROM ${table} WHERE id IN (SELECT ${number(0)} FROM ${from})`,
      ({ unit }) => Array.from(getIds(unit), (id) => [id]),
    );

  return [
    insertion(USERS, ({ users }) => users, overwrite(USERS)),
    // Flattens chains of merges, so that one step always finds the live user.
    change(
      ({ from, number }) =>
        `UPDATE users SET ${mergedInto} = ${number(1)} FROM ${from} WHERE users.${mergedInto} = ${number(0)}`,
      ({ users }) =>
        users
          .filter(({ mergedInto }) => mergedInto !== null)
          .map(({ id, mergedInto }) => [id, mergedInto]),
    ),
    insertion(IDENTITIES, ({ identities }) => identities, overwrite(IDENTITIES)),
    insertion(IDENTITY_KEYS, ({ unit }) => unit.newKeys),
    insertion(LEVELS, ({ unit }) => [...unit.levels], keepLesserKind(engine)),
    insertion(DELIVERIES, ({ unit }) => unit.newDeliveries),
    insertion(
      DELIVERIES,
      ({ unit }) => unit.updatedDeliveries,
      overwrite(DELIVERIES, ['duplicates']),
    ),
    change(
      ({ from, number }) =>
        `UPDATE deliveries SET duplicates = duplicates + ${number(1)} FROM ${from} WHERE deliveries.id = ${number(0)}`,
      ({ unit }) => [...unit.duplicateCounts],
    ),
    deletion('events', (unit) => unit.deletedEvents),
    insertion(EVENTS, ({ unit }) => unit.newEvents),
    deletion('credentials', (unit) => unit.deletedCredentials),
    insertion(CREDENTIALS, ({ unit }) => unit.newCredentials),
    change(
      ({ from, number }) =>
        `UPDATE attempts SET ${attempt.userId} = ${number(1)} FROM ${from} WHERE attempts.${attempt.identityId} = ${number(0)}`,
      ({ identities }) =>
        identities.filter(({ moved }) => moved).map(({ id, user }) => [id, user.id]),
    ),
    insertion(ATTEMPTS, ({ unit }) => [...unit.dirtyAttempts.values()], overwrite(ATTEMPTS)),
    change(
      ({ from, number, text }) =>
        `DELETE FROM user_levels WHERE (${USER_LEVELS.key.join(', ')}) IN (SELECT ${number(0)}, ${text(1)} FROM ${from})`,
      ({ levels }) =>
        levels
          .filter(({ level }) => level === undefined)
          .map(({ userId, levelKey }) => [userId, levelKey]),
    ),
    insertion(
      USER_LEVELS,
      ({ levels }) =>
        levels.flatMap(({ userId, level }) => (level === undefined ? [] : [{ userId, level }])),
      overwrite(USER_LEVELS),
    ),
    deletion('attempts', (unit) => unit.deletedAttempts),
    insertion(CHANGES, ({ unit }) => unit.changes),
  ];
}

/** Overwrites all columns of an existing row except the key and those listed. */
function overwrite<Row>(
  { columns, key }: RowWriter<Row>,
  kept: readonly (keyof DeliveryEntity)[] = [],
): string {
  const assignments = columns
    .filter(({ property, name }) => !key.includes(name) && !kept.some((one) => one === property))
    .map(({ name }) => `${name} = excluded.${name}`);
  return `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${assignments.join(', ')}`;
}

/** Keeps the lesser of two kinds: the one later in `LEVEL_KINDS`. */
function keepLesserKind({ position }: Engine<unknown>): string {
  const rank = (kind: string) => `${position}('${LEVEL_KINDS.join(' ')}', ${kind})`;
  return `ON CONFLICT (key) DO UPDATE SET kind = excluded.kind WHERE ${rank('excluded.kind')} > ${rank('levels.kind')}`;
}
