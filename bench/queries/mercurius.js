/** Fastify and mercurius with JIT and loaders; statements kept prepared, dates kept as text. */

const Fastify = require('fastify');
const mercurius = require('mercurius');
const { openDatabase } = require('../lib/database');

const { DATABASE, PORT } = process.env;

const schema = `
  scalar DateTime
  enum AttemptStatus { PENDING IN_PROGRESS ACTION_REQUIRED IN_REVIEW APPROVED REJECTED EXPIRED CANCELLED }
  enum VerificationStatus { NOT_VERIFIED VERIFIED EXPIRED }
  enum Provider { FRACTAL_ID P100 PAYCADDY SUMSUB }
  input AttemptFilter { status: [AttemptStatus!] }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Level { key: String! name: String! provider: Provider! }
  type RejectionReason { code: String! message: String }
  type Rejection { retryable: Boolean reasons: [RejectionReason!]! }
  type VerificationAttempt {
    id: ID! number: Int! status: AttemptStatus! provider: Provider! providerStatus: String! rejection: Rejection
    startedAt: DateTime! updatedAt: DateTime! decidedAt: DateTime level: Level! user: User!
  }
  type VerificationAttemptConnection { nodes: [VerificationAttempt!]! pageInfo: PageInfo! }
  type UserLevel { status: VerificationStatus! since: DateTime! expiresAt: DateTime superseded: Boolean! level: Level! }
  type User {
    id: ID! externalUserId: String verificationStatus: VerificationStatus! active: Boolean! createdAt: DateTime! updatedAt: DateTime!
    attempts(first: Int): VerificationAttemptConnection! levels: [UserLevel!]!
  }
  type UserConnection { nodes: [User!]! pageInfo: PageInfo! }
  type Query {
    user(externalUserId: String!): User
    users(first: Int!, after: String): UserConnection!
    verificationAttempts(first: Int!, after: String, filter: AttemptFilter): VerificationAttemptConnection!
  }
`;

const USER = `id AS key, external_user_id AS externalUserId, verification_status AS verificationStatus, active,
  created_at AS createdAt, updated_at AS updatedAt`;
const ATTEMPT = `id AS key, user_id AS userId, level_key AS levelKey, number, status, provider_status AS providerStatus, rejection,
  started_at AS sortKey, updated_at AS updated, decided_at AS decided`;

const nodeId = (kind, key) => Buffer.from(`${kind}:${key}`).toString('base64url');
const cursor = (sortKey, id) => Buffer.from(JSON.stringify([sortKey, id])).toString('base64url');
const parseCursor = (text) => JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
const toMilliseconds = (instant) => instant && `${instant.slice(0, 23)}Z`;
const toEnum = (provider) => provider.toUpperCase().replaceAll('-', '_');

function toPage(rows, first, cursorOf) {
  const nodes = rows.slice(0, first);
  const last = nodes.at(-1);
  return {
    nodes,
    pageInfo: { hasNextPage: rows.length > first, endCursor: last ? cursorOf(last) : null },
  };
}

function group(queries, rows) {
  const lists = new Map(queries.map(({ obj }) => [obj.key, []]));
  for (const row of rows) lists.get(row.userId).push(row);
  return queries.map(({ obj }) => lists.get(obj.key));
}

const attemptPage = (rows, first) =>
  toPage(rows, first, ({ sortKey, key }) => cursor(sortKey, key));
const keysOf = (queries) => JSON.stringify(queries.map(({ obj }) => obj.key));

async function main() {
  const database = await openDatabase(DATABASE);

  async function levelsOf(queries) {
    const keys = JSON.stringify([...new Set(queries.map(({ obj }) => obj.levelKey))]);
    const rows = await database.query(
      'SELECT key, name, provider FROM levels WHERE key IN (SELECT value FROM json_each(?))',
      [keys],
    );
    const byKey = new Map(rows.map((row) => [row.key, { ...row, provider: toEnum(row.provider) }]));
    return queries.map(({ obj }) => byKey.get(obj.levelKey));
  }

  const resolvers = {
    Query: {
      user: async (_, { externalUserId }) =>
        (
          await database.query(`SELECT ${USER} FROM users WHERE external_user_id = ?`, [
            externalUserId,
          ])
        )[0],
      async users(_, { first, after }) {
        const rows = await database.query(
          `SELECT ${USER} FROM users WHERE merged_into IS NULL AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`,
          [...parseCursor(after), first + 1],
        );
        return toPage(rows, first, ({ createdAt, key }) => cursor(createdAt, key));
      },
      async verificationAttempts(_, { first, after, filter }) {
        const [status] = filter.status;
        const rows = await database.query(
          `SELECT ${ATTEMPT} FROM attempts WHERE status = ? AND (started_at, id) < (?, ?) ORDER BY started_at DESC, id DESC LIMIT ?`,
          [status, ...parseCursor(after), first + 1],
        );
        return attemptPage(rows, first);
      },
    },
    User: { id: ({ key }) => nodeId('User', key), active: ({ active }) => active === 1 },
    UserLevel: {
      since: ({ since }) => toMilliseconds(since),
      expiresAt: ({ expiresAt }) => toMilliseconds(expiresAt),
      superseded: ({ superseded }) => superseded === 1,
    },
    VerificationAttempt: {
      id: ({ key }) => nodeId('VerificationAttempt', key),
      rejection: ({ rejection }) => rejection && JSON.parse(rejection),
      startedAt: ({ sortKey }) => toMilliseconds(sortKey),
      updatedAt: ({ updated }) => toMilliseconds(updated),
      decidedAt: ({ decided }) => toMilliseconds(decided),
    },
  };

  const loaders = {
    User: {
      async attempts(queries) {
        const rows = await database.query(
          `SELECT ${ATTEMPT} FROM attempts WHERE user_id IN (SELECT value FROM json_each(?)) ORDER BY user_id, started_at DESC, id DESC`,
          [keysOf(queries)],
        );
        return group(queries, rows).map((own, index) =>
          attemptPage(own, queries[index].params.first ?? 20),
        );
      },
      async levels(queries) {
        const rows = await database.query(
          `SELECT user_id AS userId, level_key AS levelKey, status, since, expires_at AS expiresAt, superseded FROM user_levels
            WHERE user_id IN (SELECT value FROM json_each(?)) ORDER BY user_id, level_key`,
          [keysOf(queries)],
        );
        return group(queries, rows);
      },
    },
    UserLevel: { level: levelsOf },
    VerificationAttempt: {
      level: levelsOf,
      provider: async (queries) => (await levelsOf(queries)).map(({ provider }) => provider),
      async user(queries) {
        const ids = JSON.stringify([...new Set(queries.map(({ obj }) => obj.userId))]);
        const rows = await database.query(
          `SELECT ${USER} FROM users WHERE id IN (SELECT value FROM json_each(?))`,
          [ids],
        );
        const byId = new Map(rows.map((row) => [row.key, row]));
        return queries.map(({ obj }) => byId.get(obj.userId));
      },
    },
  };

  const app = Fastify();
  app.get('/', async () => 'ready');
  app.register(mercurius, { schema, resolvers, loaders, jit: 1 });
  await app.listen({ port: Number(PORT), host: '127.0.0.1' });
}

main();
