/** The limit: one hand-written statement per question that answers in JSON, behind plain Node.js. */

const { createServer } = require('node:http');
const { openDatabase } = require('../lib/database');

const { DATABASE, PORT } = process.env;

const base64url = (kind, id) => `'${kind}:' || ${id}`;
const ms = (column) => `substr(${column}, 1, 23) || 'Z'`;
const msOrNull = (column) => `iif(${column} IS NULL, NULL, ${ms(column)})`;
const flag = (column) => `json(iif(${column}, 'true', 'false'))`;
const provider = "upper(replace(l.provider, '-', '_'))";

/** Written out of the list, for an order inside `json_group_array` needs a subquery. */
const ATTEMPT = `'id', ${base64url('VerificationAttempt', 'a.id')}, 'number', a.number, 'status', a.status, 'provider', ${provider},
  'providerStatus', a.provider_status,
  'rejection', iif(a.rejection IS NULL, NULL, json_object('retryable', json(a.rejection -> 'retryable'), 'reasons',
    (SELECT json_group_array(json_object('code', r.value ->> 'code', 'message', r.value ->> 'message')) FROM json_each(a.rejection, '$.reasons') r))),
  'startedAt', ${ms('a.started_at')}, 'updatedAt', ${ms('a.updated_at')}, 'decidedAt', ${msOrNull('a.decided_at')},
  'level', json_object('key', l.key, 'name', l.name)`;
const attemptsOf = (
  limit,
) => `json_object('nodes', (SELECT json_group_array(json(attempt)) FROM (SELECT json_object(${ATTEMPT}) AS attempt
  FROM attempts a JOIN levels l ON l.key = a.level_key WHERE a.user_id = u.id ORDER BY a.started_at DESC, a.id DESC LIMIT ${limit})))`;
const LEVELS = `(SELECT json_group_array(json(level)) FROM (SELECT json_object('status', v.status, 'since', ${ms('v.since')},
  'expiresAt', ${msOrNull('v.expires_at')}, 'superseded', ${flag('v.superseded')},
  'level', json_object('key', l.key, 'name', l.name, 'provider', ${provider})) AS level
  FROM user_levels v JOIN levels l ON l.key = v.level_key WHERE v.user_id = u.id ORDER BY v.level_key))`;
const user = (
  attempts,
) => `json_object('id', ${base64url('User', 'u.id')}, 'externalUserId', u.external_user_id, 'verificationStatus', u.verification_status,
  'active', ${flag('u.active')}, 'createdAt', u.created_at, 'updatedAt', u.updated_at, 'levels', ${LEVELS}, 'attempts', ${attemptsOf(attempts)})`;

const STATEMENTS = {
  q1: `SELECT json_object('user', ${user(20)}) AS data FROM users u WHERE u.external_user_id = ?`,
  q2: `SELECT ${user(5)} AS node, created_at AS sortKey, id FROM users u
    WHERE u.merged_into IS NULL AND (u.created_at, u.id) < (?, ?) ORDER BY u.created_at DESC, u.id DESC LIMIT 21`,
  q3: `SELECT json_object(${ATTEMPT}, 'user', json_object('externalUserId', u.external_user_id)) AS node, a.started_at AS sortKey, a.id
    FROM attempts a JOIN levels l ON l.key = a.level_key JOIN users u ON u.id = a.user_id
    WHERE a.status = 'REJECTED' AND (a.started_at, a.id) < (?, ?) ORDER BY a.started_at DESC, a.id DESC LIMIT 51`,
};
const LISTS = { q2: { name: 'users', first: 20 }, q3: { name: 'verificationAttempts', first: 50 } };

/** SQLite has no base64 function, so IDs are encoded in JavaScript. */
const publishIds = (json) =>
  json.replace(/"id":"(\w+:\d+)"/g, (_, id) => `"id":"${Buffer.from(id).toString('base64url')}"`);

async function main() {
  const database = await openDatabase(DATABASE);

  async function answer({ operationName, variables }) {
    const list = LISTS[operationName];
    if (list === undefined) {
      const [row] = await database.query(STATEMENTS.q1, [variables.id]);
      return `{"data":${publishIds(row.data)}}`;
    }
    const after = JSON.parse(Buffer.from(variables.after, 'base64url').toString('utf8'));
    const rows = await database.query(STATEMENTS[operationName], after);
    const nodes = rows.slice(0, list.first);
    const { sortKey, id } = nodes.at(-1);
    const endCursor = Buffer.from(JSON.stringify([sortKey, id])).toString('base64url');
    const pageInfo = JSON.stringify({ hasNextPage: rows.length > list.first, endCursor });
    return `{"data":{"${list.name}":{"nodes":[${publishIds(nodes.map(({ node }) => node).join())}],"pageInfo":${pageInfo}}}}`;
  }

  createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const body =
        request.method === 'GET'
          ? 'ready'
          : await answer(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
    });
  }).listen(Number(PORT), '127.0.0.1');
}

main();
