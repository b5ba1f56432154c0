/** Runs a JSON query in one statement. */

import { encodePageCursor, type LogPosition } from '../../domain/cursor';
import { InvariantError } from '../../domain/errors';
import type { Connection, Dialect } from '../database/database';
import { type Clause, where } from '../database/where';
import { AttemptEntity } from '../entities/attempt.entity';
import { getNames } from '../entities/columns';
import { IdentityEntity } from '../entities/identity.entity';
import { UserEntity } from '../entities/user.entity';
import { attemptQuery } from '../read/attempts';
import { FLOOR_NONCE } from '../read/changes';
import { FOLLOW_MERGE, userQuery } from '../read/users';
import {
  ATTEMPT,
  getSelection,
  IDENTITY,
  LEVEL,
  REASON,
  REJECTION,
  USER,
  USER_LEVEL,
} from './fields';
import { CONNECTION, EDGE, PAGE_INFO, writePage } from './page';
import type { Encoding, JsonQuery, JsonQueryFields, UserKey } from './query';
import { type FieldTable, type SqlBuilder, writeObject } from './sql';

/** @returns a JSON object with a field per root. */
export async function runJsonQuery(
  connection: Connection,
  { roots, viewer, reasonCodes }: JsonQuery,
  encoding: Encoding,
): Promise<string> {
  const context = { viewer, reasonCodes, dialect: connection.dialect };
  const out: SqlBuilder = { sql: 'SELECT ', parameters: [], context };
  writeObject(out, QUERY, roots);
  out.sql += ' AS json_query';
  const [row] = await connection.query<{ json_query: string }>(out.sql, out.parameters);
  if (row === undefined) throw new InvariantError('Statement returned no row');
  return encode(row.json_query, encoding);
}

// ── Root fields ─────────────────────────────────────────────────────────────────────────────────────────────────────

const { externalUserId, mergedInto } = getNames(UserEntity);
const i = getNames(IdentityEntity, 'i');
const a = getNames(AttemptEntity, 'a');

const QUERY: FieldTable = {
  cursor(out) {
    const { dialect } = out.context;
    out.sql += `json_array('Head', ${dialect.head}, ${headNonceSql(dialect)})`;
  },

  user(out, node) {
    const { from, clause } = findUser(getSelection(node, 'user').by);
    const { sql, parameters } = where([clause, ...visibleTo(out.context.viewer, 'u.id')]);
    out.sql += '(SELECT ';
    writeObject(out, USER, node.fields);
    out.sql += ` FROM ${from} ${sql})`;
    out.parameters.push(...parameters);
  },

  users(out, node) {
    const { filter, order, page } = getSelection(node, 'users');
    const query = userQuery(filter, order, visibleTo(out.context.viewer, 'u.id'));
    writePage(out, { table: USER, alias: 'u', query, page }, node);
  },

  verificationAttempts(out, node) {
    const { filter, order, page } = getSelection(node, 'attempts');
    const query = attemptQuery(filter, order, visibleTo(out.context.viewer, a.userId));
    writePage(out, { table: ATTEMPT, alias: 'a', query, page }, node);
  },
};

/** Names of all fields. The planner reads them, so that a field is added here alone. */
export const JSON_QUERY_FIELDS: JsonQueryFields = toNames({
  Query: QUERY,
  User: USER,
  Identity: IDENTITY,
  UserLevel: USER_LEVEL,
  Level: LEVEL,
  VerificationAttempt: ATTEMPT,
  Rejection: REJECTION,
  RejectionReason: REASON,
  UserConnection: CONNECTION,
  UserEdge: EDGE,
  VerificationAttemptConnection: CONNECTION,
  VerificationAttemptEdge: EDGE,
  PageInfo: PAGE_INFO,
});

function toNames(tables: Readonly<Record<string, object>>): JsonQueryFields {
  return Object.fromEntries(
    Object.entries(tables).map(([type, table]) => [type, new Set(Object.keys(table))]),
  );
}

/** @param userId - Expression for the ID of the user that owns the row. */
function visibleTo(viewer: string | null, userId: string): readonly Clause[] {
  if (viewer === null) return [];
  return [
    [
      `${userId} = (SELECT coalesce(${mergedInto}, id) FROM users WHERE ${externalUserId} = ?)`,
      viewer,
    ],
  ];
}

interface UserSource {
  /** Follows FROM. */
  readonly from: string;
  readonly clause: Clause;
}

function findUser(key: UserKey): UserSource {
  if ('ref' in key) {
    return {
      from: `identities i CROSS JOIN users u ON u.id = ${i.userId}`,
      clause: [`(i.provider, ${i.subjectRef}) = (?, ?)`, [key.provider, key.ref]],
    };
  }
  return {
    from: `users asked CROSS JOIN users u ON ${FOLLOW_MERGE}`,
    clause:
      'id' in key ? ['asked.id = ?', key.id] : [`asked.${externalUserId} = ?`, key.externalUserId],
  };
}

/** `Change.nonce` of the newest entry, as `Reader.logState` returns it. */
function headNonceSql({ head }: Dialect): string {
  return `coalesce(
  (SELECT nonce FROM changes WHERE id = ${head}),
  iif(${head} = 0, 0, NULL),
  (SELECT iif(instr(value, ':') = 0, CAST(value AS integer), CAST(substr(value, instr(value, ':') + 1) AS integer))
    FROM settings WHERE name = '${FLOOR_NONCE}'
      AND (instr(value, ':') = 0 OR CAST(value AS integer) = ${head})))`;
}

// ── Encoding ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** In a JSON text, quotation marks are escaped. Therefore no stored text matches. */
const UNENCODED = /\["(User|VerificationAttempt|Identity|Provider|Cursor|Head)",([^\]]*)\]/g;

function encode(json: string, encoding: Encoding): string {
  return json.replace(UNENCODED, (_, type: string, value: string) => {
    switch (type) {
      case 'Provider':
        return `"${encoding.provider(value.slice(1, -1))}"`;
      case 'Cursor':
        return `"${encodePageCursor(`[${value}]`)}"`;
      case 'Head':
        return `"${encoding.cursor(toHead(value))}"`;
      default:
        return `"${encoding.id(type as 'User', Number(value))}"`;
    }
  });
}

function toHead(value: string): LogPosition {
  const [seq, nonce] = JSON.parse(`[${value}]`) as [number, number | null];
  return { seq, nonce };
}
