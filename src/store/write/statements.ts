/** What is written of a changed unit of work, and in which order. How a statement is spelled is the engine's. */

import { LEVEL_KINDS } from '../../domain/level';
import type { IdentityNode, UnitOfWork, UserNode } from '../../projector/unit-of-work';
import {
  ATTEMPT_COLUMNS,
  CHANGE_COLUMNS,
  type Column,
  CREDENTIAL_COLUMNS,
  DELIVERY_COLUMNS,
  dirtyIdentities,
  dirtyLevels,
  dirtyUsers,
  EVENT_COLUMNS,
  IDENTITY_COLUMNS,
  isHeld,
  KEY_COLUMNS,
  LEVEL_COLUMNS,
  type PlacedLevel,
  USER_COLUMNS,
  USER_LEVEL_COLUMNS,
} from '../entities/columns';

/** A unit of work, with what of it is dirty: that is looked for once, since most of a unit of work may be as it was. */
export interface Unsaved {
  readonly unit: UnitOfWork;
  readonly users: readonly UserNode[];
  readonly identities: readonly IdentityNode[];
  readonly levels: readonly PlacedLevel[];
}

export function toUnsaved(unit: UnitOfWork): Unsaved {
  return {
    unit,
    users: dirtyUsers(unit),
    identities: dirtyIdentities(unit),
    levels: dirtyLevels(unit),
  };
}

/** `null` if there are none. */
export function toList(rows: readonly unknown[]): string | null {
  return rows.length === 0 ? null : JSON.stringify(rows);
}

/** What an engine makes statements with. All of them read their rows from one JSON list. */
export interface Engine<Statement> {
  /** @param onConflict - What to do with rows that are there already; absent: there are none. */
  insertion<Row>(
    table: string,
    columns: readonly Column<Row>[],
    rowsOf: (unsaved: Unsaved) => readonly Row[],
    onConflict?: string,
  ): Statement;
  /** @param sql - Reads rows that are lists of values. */
  change(
    sql: (rows: ListedRows) => string,
    rowsOf: (unsaved: Unsaved) => readonly (readonly (string | number | null)[])[],
  ): Statement;
  /** The function that tells at which place of a text another one stands. */
  readonly position: 'instr' | 'strpos';
}

export interface ListedRows {
  /** Follows FROM. */
  readonly from: string;
  /** What a row holds at a place. */
  number(place: number): string;
  text(place: number): string;
}

/** Foreign keys are checked by statement, so what is pointed at goes first. */
export function writeStatements<Statement>(engine: Engine<Statement>): readonly Statement[] {
  const { insertion, change, position } = engine;

  const deletion = (table: string, idsOf: (unit: UnitOfWork) => Iterable<number>) =>
    change(
      ({ from, number }) => `DELETE FROM ${table} WHERE id IN (SELECT ${number(0)} FROM ${from})`,
      ({ unit }) => Array.from(idsOf(unit), (id) => [id]),
    );

  /** Place among the kinds, so that the lesser one holds. */
  const rank = (kind: string) => `${position}('${LEVEL_KINDS.join(' ')}', ${kind})`;

  return [
    insertion('users', USER_COLUMNS, ({ users }) => users, update(['id'], USER_COLUMNS)),
    // Whoever was merged into a user that is now merged itself follows, so that one step always finds the survivor.
    change(
      ({ from, number }) =>
        `UPDATE users SET merged_into = ${number(1)} FROM ${from} WHERE users.merged_into = ${number(0)}`,
      ({ users }) =>
        users
          .filter(({ mergedInto }) => mergedInto !== null)
          .map(({ id, mergedInto }) => [id, mergedInto]),
    ),
    insertion(
      'identities',
      IDENTITY_COLUMNS,
      ({ identities }) => identities,
      update(['id'], IDENTITY_COLUMNS),
    ),
    insertion('identity_keys', KEY_COLUMNS, ({ unit }) => unit.newKeys),
    insertion(
      'levels',
      LEVEL_COLUMNS,
      ({ unit }) => [...unit.levels],
      `ON CONFLICT (key) DO UPDATE SET kind = excluded.kind WHERE ${rank('excluded.kind')} > ${rank('levels.kind')}`,
    ),
    insertion('deliveries', DELIVERY_COLUMNS, ({ unit }) => unit.newDeliveries),
    insertion(
      'deliveries',
      DELIVERY_COLUMNS,
      ({ unit }) => unit.updatedDeliveries,
      update(
        ['id'],
        DELIVERY_COLUMNS.filter(([column]) => column !== 'duplicates'),
      ),
    ),
    change(
      ({ from, number }) =>
        `UPDATE deliveries SET duplicates = duplicates + ${number(1)} FROM ${from} WHERE deliveries.id = ${number(0)}`,
      ({ unit }) => [...unit.duplicateCounts],
    ),
    deletion('events', (unit) => unit.deletedEvents),
    insertion('events', EVENT_COLUMNS, ({ unit }) => unit.newEvents),
    deletion('credentials', (unit) => unit.deletedCredentials),
    insertion('credentials', CREDENTIAL_COLUMNS, ({ unit }) => unit.newCredentials),
    change(
      ({ from, number }) =>
        `UPDATE attempts SET user_id = ${number(1)} FROM ${from} WHERE attempts.identity_id = ${number(0)}`,
      ({ identities }) =>
        identities.filter(({ moved }) => moved).map(({ id, user }) => [id, user.id]),
    ),
    insertion(
      'attempts',
      ATTEMPT_COLUMNS,
      ({ unit }) => [...unit.dirtyAttempts.values()],
      update(['id'], ATTEMPT_COLUMNS),
    ),
    change(
      ({ from, number, text }) =>
        `DELETE FROM user_levels WHERE (user_id, level_key) IN (SELECT ${number(0)}, ${text(1)} FROM ${from})`,
      ({ levels }) =>
        levels
          .filter((placed) => !isHeld(placed))
          .map(({ userId, levelKey }) => [userId, levelKey]),
    ),
    insertion(
      'user_levels',
      USER_LEVEL_COLUMNS,
      ({ levels }) => levels.filter(isHeld),
      update(['user_id', 'level_key'], USER_LEVEL_COLUMNS),
    ),
    deletion('attempts', (unit) => unit.deletedAttempts),
    insertion('changes', CHANGE_COLUMNS, ({ unit }) => unit.changes),
  ];
}

/** Overwrites a row that is there already: all of the columns but the key. */
function update<Row>(key: readonly string[], columns: readonly Column<Row>[]): string {
  const rest = columns.map(([name]) => name).filter((name) => !key.includes(name));
  const assignments = rest.map((name) => `${name} = excluded.${name}`);
  return `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${assignments.join(', ')}`;
}
