/**
 * Fields of a JSON query, as SQL. Each type has one alias, for example `u` for users. An expression that is nested in
 * another one refers to the nearest row with that alias.
 *
 * A value that is published in another form than it is stored is written as a list such as `["User", 12]`, which occurs
 * nowhere else, and encoded after the statement.
 */

import { InvariantError } from '../../domain/errors';
import { where } from '../database/where';
import { AttemptEntity } from '../entities/attempt.entity';
import { type EntityClass, getColumns, getNames, type PropertyOf } from '../entities/columns';
import { IdentityEntity } from '../entities/identity.entity';
import { LevelEntity } from '../entities/level.entity';
import { UserEntity } from '../entities/user.entity';
import { UserLevelEntity } from '../entities/user-level.entity';
import { ATTEMPT_KIND, attemptQuery } from '../read/attempts';
import { LEVELS_OF_USER, levelClauses, levelPageSql } from '../read/user-levels';
import { writePage } from './page';
import type { JsonQueryNode, JsonQuerySelection } from './query';
import { expression, type FieldTable, many, one, type WriteField, writeObject } from './sql';

const a = getNames(AttemptEntity, 'a');
const i = getNames(IdentityEntity, 'i');
const v = getNames(UserLevelEntity, 'v');

// ── Kinds of fields ─────────────────────────────────────────────────────────────────────────────────────────────────

function fromColumns<Entity>(
  entity: EntityClass<Entity>,
  alias: string,
  properties: readonly PropertyOf<Entity>[],
): FieldTable {
  const fields = getColumns(entity, { only: properties }).map(({ property, name, conversion }) => {
    const sql = `${alias}.${name}`;
    return [
      property,
      expression(conversion === 'BOOLEAN' ? `json(iif(${sql}, 'true', 'false'))` : sql),
    ];
  });
  return Object.fromEntries(fields);
}

/** Instants have nine fractional digits and are published with three. */
function fromInstants<Entity>(
  entity: EntityClass<Entity>,
  alias: string,
  properties: readonly PropertyOf<Entity>[],
): FieldTable {
  const fields = getColumns(entity, { only: properties }).map(({ property, name }) => [
    property,
    expression(`substr(${alias}.${name}, 1, 23) || 'Z'`), // NULL stays NULL
  ]);
  return Object.fromEntries(fields);
}

const provider = (sql: string) => expression(`json_array('Provider', ${sql})`);
const id = (type: string, sql: string) => expression(`json_array('${type}', ${sql})`);

/** Returns the selection of a field. */
export function getSelection<Of extends JsonQuerySelection['of']>(
  { choice }: JsonQueryNode,
  of: Of,
): Extract<JsonQuerySelection, { readonly of: Of }> {
  if (choice?.of !== of) throw new InvariantError(`JSON query field has no selection of ${of}`);
  return choice as Extract<JsonQuerySelection, { readonly of: Of }>;
}

// ── Types ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export const LEVEL: FieldTable = {
  ...fromColumns(LevelEntity, 'l', ['key', 'name', 'kind']),
  provider: provider('l.provider'),
};

export const REASON: FieldTable = {
  code: expression("r.value ->> 'code'"),
  providerCode: expression("r.value ->> 'providerCode'"),
  message: expression("r.value ->> 'message'"),
};

/** Reasons that the viewer may see. */
function reasons(from: string): WriteField {
  return (out, node) => {
    const { reasonCodes } = out.context;
    if (reasonCodes === null) return many(() => REASON, from)(out, node);
    many(() => REASON, `${from} WHERE r.value ->> 'code' IN (?*)`)(out, node);
    out.parameters.push(reasonCodes);
  };
}

export const REJECTION: FieldTable = {
  retryable: expression("a.rejection -> 'retryable'"),
  reasons: reasons("json_each(a.rejection, '$.reasons') r"),
};

export const ATTEMPT: FieldTable = {
  ...fromColumns(AttemptEntity, 'a', ['number', 'status', 'trust', 'sandbox']),
  ...fromInstants(AttemptEntity, 'a', ['startedAt', 'updatedAt', 'decidedAt']),
  id: id('VerificationAttempt', 'a.id'),
  kind: expression(ATTEMPT_KIND),
  provider: provider(`substr(${a.levelKey}, 1, instr(${a.levelKey}, '/') - 1)`),
  providerAttemptRef: expression(a.attemptRef),
  providerStatus(out) {
    out.sql += out.context.reasonCodes === null ? a.providerStatus : a.status;
  },
  rejection(out, { fields }) {
    out.sql += 'iif(a.rejection IS NULL, NULL, ';
    writeObject(out, REJECTION, fields);
    out.sql += ')';
  },
  reviewReasons: reasons(`json_each(${a.reviewReasons}) r`),
  level: one(() => LEVEL, `levels l WHERE l.key = ${a.levelKey}`),
  user: one(() => USER, `users u WHERE u.id = ${a.userId}`),
};

export const USER_LEVEL: FieldTable = {
  ...fromColumns(UserLevelEntity, 'v', ['status', 'superseded']),
  ...fromInstants(UserLevelEntity, 'v', ['since', 'expiresAt']),
  level: one(() => LEVEL, `levels l WHERE l.key = ${v.levelKey}`),
  latestAttempt: one(() => ATTEMPT, `attempts a WHERE a.id = ${v.latestAttemptId}`),
};

export const IDENTITY: FieldTable = {
  ...fromColumns(IdentityEntity, 'i', ['externalUserId', 'kind', 'state', 'linked', 'createdAt']),
  id: id('Identity', 'i.id'),
  provider: provider('i.provider'),
  ref: expression(i.subjectRef),
};

export const USER: FieldTable = {
  ...fromColumns(UserEntity, 'u', [
    'externalUserId',
    'kind',
    'verificationStatus',
    'active',
    'createdAt',
    'updatedAt',
  ]),
  id: id('User', 'u.id'),
  identities: many(
    () => IDENTITY,
    `(SELECT * FROM identities o WHERE ${getNames(IdentityEntity, 'o').userId} = u.id ORDER BY o.id) i`,
  ),
  levels(out, node) {
    const { filter, page } = getSelection(node, 'levels');
    const { sql, parameters } = levelPageSql('*', filter, page);
    many(() => USER_LEVEL, `(${sql}) v`)(out, node);
    out.parameters.push(...parameters);
  },
  levelCount(out, node) {
    const { filter } = getSelection(node, 'levelCount');
    const { sql, parameters } = where([[LEVELS_OF_USER, []], ...levelClauses('o', filter)]);
    out.sql += `(SELECT count(*) FROM user_levels o ${sql})`;
    out.parameters.push(...parameters);
  },
  attempts(out, node) {
    const { filter, order, page } = getSelection(node, 'attempts');
    const query = attemptQuery(filter, order, [[`${a.userId} = u.id`, []]]);
    writePage(out, { table: ATTEMPT, alias: 'a', query, page }, node);
  },
};
