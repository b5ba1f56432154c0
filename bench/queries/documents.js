/** The three queries, and the variables that they are asked with. */

const { openDatabase } = require('../lib/database');
const { layOut } = require('../lib/http-load');

const ATTEMPT =
  'id number status provider providerStatus rejection { retryable reasons { code message } } startedAt updatedAt decidedAt level { key name }';
const LEVELS = 'levels { status since expiresAt superseded level { key name provider } }';
const USER = `id externalUserId verificationStatus active createdAt updatedAt ${LEVELS}`;

const DOCUMENTS = {
  q1: `query q1($id: String!) { user(externalUserId: $id) { ${USER} attempts(first: 20) { nodes { ${ATTEMPT} } } } }`,
  q2: `query q2($after: String!) { users(first: 20, after: $after) { nodes { ${USER} attempts(first: 5) { nodes { ${ATTEMPT} } } } pageInfo { hasNextPage endCursor } } }`,
  q3: `query q3($after: String!) { verificationAttempts(first: 50, after: $after, filter: { status: [REJECTED] }) { nodes { ${ATTEMPT} user { externalUserId } } pageInfo { hasNextPage endCursor } } }`,
};

const QUESTIONS = Object.keys(DOCUMENTS);
/** Different pages and users, so that no peer lives on one answer. */
const VARIANTS = 1_000;

const cursor = (sortKey, id) => Buffer.from(JSON.stringify([sortKey, id])).toString('base64url');

/** @returns `{ q1: [variables …], q2: …, q3: … }`, spread over all users and, for lists, over their deeper half. */
async function createVariables(file) {
  const database = await openDatabase(file);
  const [{ users }] = await database.query('SELECT max(id) AS users FROM users');
  const spread = (index) => Math.floor((index * users) / VARIANTS) + 1;
  const each = Array.from({ length: VARIANTS }, (_, index) => index);
  const pages = await database.query(
    'SELECT id, created_at AS sortKey FROM users ORDER BY created_at, id LIMIT ?',
    [users / 2],
  );
  const attempts = await database.query(
    "SELECT id, started_at AS sortKey FROM attempts WHERE status = 'REJECTED' ORDER BY started_at, id LIMIT ?",
    [users / 5],
  );
  await database.close();
  const deep = (rows, index) => rows[100 + Math.floor((index * (rows.length - 100)) / VARIANTS)];
  return {
    q1: each.map((index) => ({ id: `customer-${spread(index)}` })),
    q2: each.map((index) => ({ after: cursor(deep(pages, index).sortKey, deep(pages, index).id) })),
    q3: each.map((index) => ({
      after: cursor(deep(attempts, index).sortKey, deep(attempts, index).id),
    })),
  };
}

/** The requests of one question, laid out. */
function questionRequests(question, variables, authorization) {
  return variables.map((each) =>
    layOut({
      path: '/graphql',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization },
      body: JSON.stringify({
        query: DOCUMENTS[question],
        variables: each,
        operationName: question,
      }),
    }),
  );
}

module.exports = { createVariables, cursor, questionRequests, QUESTIONS };
