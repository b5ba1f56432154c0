/** Answers a whole tree in one statement, as JSON. */

import type { LogPosition } from '../../domain/cursor';
import { encodePageCursor } from '../../domain/cursor';
import { InvariantError } from '../../domain/errors';
import type { Connection } from '../database/database';
import { type Clause, where } from '../database/where';
import { attemptQuery } from '../read/attempts';
import { FLOOR_NONCE } from '../read/changes';
import { userQuery } from '../read/users';
import { SQLITE } from '../sqlite/dialect';
import { ATTEMPT, USER } from './fields';
import { writePage } from './page';
import type { Encoding, JsonQuery, UserKey } from './query';
import { type Kind, type SqlText, writeObject } from './sql';

/** @returns one JSON object with a field per root. */
export async function runJsonQuery(
  connection: Connection,
  tree: JsonQuery,
  spelling: Encoding,
): Promise<string> {
  const out: SqlText = { sql: 'SELECT ', parameters: [], reasonCodes: tree.reasonCodes };
  writeObject(out, rootsFor(tree.viewer), tree.roots);
  out.sql += ' AS tree';
  const [row] = await connection.query<{ tree: string }>(out.sql, out.parameters);
  if (row === undefined) throw new InvariantError('Statement returned no row');
  return spell(row.tree, spelling);
}

function rootsFor(viewer: string | null): Kind {
  const ownedBy = (owner: string): readonly Clause[] =>
    viewer === null
      ? []
      : [
          [
            `${owner} = (SELECT coalesce(merged_into, id) FROM users WHERE external_user_id = ?)`,
            viewer,
          ],
        ];

  return {
    cursor(out) {
      out.sql += `json_array('Head', ${SQLITE.head}, ${HEAD_NONCE})`;
    },

    user(out, { choice, fields }) {
      if (choice?.of !== 'user') throw mischosen('a user');
      const { from, clause } = find(choice.by);
      const conditions = where([clause, ...ownedBy('u.id')]);
      out.sql += '(SELECT ';
      writeObject(out, USER, fields);
      out.sql += ` FROM ${from} ${conditions.sql})`;
      out.parameters.push(...conditions.parameters);
    },

    users(out, node) {
      if (node.choice?.of !== 'users') throw mischosen('users');
      const { filter, order, page } = node.choice;
      const query = userQuery(filter, order, ownedBy('u.id'));
      writePage(out, { kind: USER, alias: 'u', query, page }, node);
    },

    verificationAttempts(out, node) {
      if (node.choice?.of !== 'attempts') throw mischosen('attempts');
      const { filter, order, page } = node.choice;
      const query = attemptQuery(filter, order, ownedBy('a.user_id'));
      writePage(out, { kind: ATTEMPT, alias: 'a', query, page }, node);
    },
  };
}

interface Place {
  /** Follows FROM. */
  readonly from: string;
  readonly clause: Clause;
}

function find(key: UserKey): Place {
  if ('id' in key) return { from: MERGES_FOLLOWED, clause: ['asked.id = ?', key.id] };
  if ('ref' in key) {
    return {
      from: 'identities i CROSS JOIN users u ON u.id = i.user_id',
      clause: ['(i.provider, i.subject_ref) = (?, ?)', [key.provider, key.ref]],
    };
  }
  return { from: MERGES_FOLLOWED, clause: ['asked.external_user_id = ?', key.externalUserId] };
}

const MERGES_FOLLOWED =
  'users asked CROSS JOIN users u ON u.id = coalesce(asked.merged_into, asked.id)';

function mischosen(things: string): Error {
  return new Error(`expected a choice of ${things}`);
}

/** `Change.nonce` of the newest entry, as `logState` gives it. */
const HEAD_NONCE = `coalesce(
  (SELECT nonce FROM changes WHERE id = ${SQLITE.head}),
  iif(${SQLITE.head} = 0, 0, NULL),
  (SELECT iif(instr(value, ':') = 0, CAST(value AS integer), CAST(substr(value, instr(value, ':') + 1) AS integer))
    FROM settings WHERE name = '${FLOOR_NONCE}'
      AND (instr(value, ':') = 0 OR CAST(value AS integer) = ${SQLITE.head})))`;

function toHead(value: string): LogPosition {
  const [seq, nonce] = JSON.parse(`[${value}]`) as [number, number | null];
  return { seq, nonce };
}

/** Inside of a JSON text a quotation mark has a backslash before it, so that no text of a row looks like one of these. */
const UNSPELLED = /\["(User|VerificationAttempt|Identity|Provider|Cursor|Head)",([^\]]*)\]/g;

function spell(json: string, spelling: Encoding): string {
  return json.replace(UNSPELLED, (_, kind: string, value: string) => {
    switch (kind) {
      case 'Provider':
        return `"${spelling.provider(value.slice(1, -1))}"`;
      case 'Cursor':
        return `"${encodePageCursor(`[${value}]`)}"`;
      case 'Head':
        return `"${spelling.cursor(toHead(value))}"`;
      default:
        return `"${spelling.id(kind as 'User', Number(value))}"`;
    }
  });
}
