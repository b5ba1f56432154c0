/**
 * The stock stack, set up as its guides recommend: Apollo Server on Express, type-graphql, TypeORM repositories, DataLoader.
 * Decorators are called as functions, because this is plain JavaScript; the result is the same.
 */

const { expressMiddleware } = require('@as-integrations/express5');
const express = require('express');
const { gatewayRequire } = require('../lib/gateway-modules');
gatewayRequire('reflect-metadata');
const { ApolloServer } = gatewayRequire('@apollo/server');
const DataLoader = gatewayRequire('dataloader');
const { DataSource, EntitySchema, In } = gatewayRequire('typeorm');
const {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  GraphQLISODateTime,
  ID,
  InputType,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
  buildSchema,
  registerEnumType,
} = gatewayRequire('type-graphql');

const { DATABASE, PORT } = process.env;

// ── Entities ────────────────────────────────────────────────────────────────────────────────────────────────────────

class User {}
class Level {}
class Attempt {}
class UserLevel {}

const number = { type: 'integer' };
const text = { type: 'text' };
const flag = { type: 'boolean' };
const moment = (name, nullable = false) => ({
  type: 'text',
  name,
  nullable,
  transformer: { from: (value) => value && new Date(value), to: (value) => value },
});
const column = (name, type = 'text', more = {}) => ({ type, name, ...more });

const entities = [
  new EntitySchema({
    name: 'User',
    target: User,
    tableName: 'users',
    columns: {
      id: { ...number, primary: true },
      externalUserId: column('external_user_id', 'text', { nullable: true }),
      mergedInto: column('merged_into', 'integer', { nullable: true }),
      verificationStatus: column('verification_status'),
      active: flag,
      createdAt: moment('created_at'),
      updatedAt: moment('updated_at'),
    },
  }),
  new EntitySchema({
    name: 'Level',
    target: Level,
    tableName: 'levels',
    columns: { key: { ...text, primary: true }, provider: text, name: text, kind: text },
  }),
  new EntitySchema({
    name: 'Attempt',
    target: Attempt,
    tableName: 'attempts',
    columns: {
      id: { ...number, primary: true },
      userId: column('user_id', 'integer'),
      levelKey: column('level_key'),
      number,
      status: text,
      providerStatus: column('provider_status'),
      rejection: { type: 'simple-json', nullable: true },
      // Stored as text in addition to the Date: the text is more precise, and the cursor needs all digits.
      sortKey: column('started_at'),
      updatedAt: moment('updated_at'),
      decidedAt: moment('decided_at', true),
    },
  }),
  new EntitySchema({
    name: 'UserLevel',
    target: UserLevel,
    tableName: 'user_levels',
    columns: {
      userId: { type: 'integer', name: 'user_id', primary: true },
      levelKey: { type: 'text', name: 'level_key', primary: true },
      status: text,
      since: moment('since'),
      expiresAt: moment('expires_at', true),
      superseded: flag,
    },
  }),
];

const dataSource = new DataSource({ type: 'sqlite', database: DATABASE, entities });

// ── Schema ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Applies field decorators: `{ name: [type, options] }`. */
function fields(Class, types, decorate = ObjectType()) {
  for (const [name, [type, options]] of Object.entries(types))
    Field(type, options)(Class.prototype, name);
  decorate(Class);
}

/** Applies a method's decorators and those of its parameters. */
function method(Class, name, decorate, parameters) {
  for (const [index, parameter] of parameters.entries()) parameter(Class.prototype, name, index);
  decorate(Class.prototype, name, Object.getOwnPropertyDescriptor(Class.prototype, name));
}

const enumOf = (name, words) => {
  const values = Object.fromEntries(words.map((word) => [word, word]));
  registerEnumType(values, { name });
  return values;
};
const AttemptStatus = enumOf('AttemptStatus', [
  'PENDING',
  'IN_PROGRESS',
  'ACTION_REQUIRED',
  'IN_REVIEW',
  'APPROVED',
  'REJECTED',
  'EXPIRED',
  'CANCELLED',
]);
const VerificationStatus = enumOf('VerificationStatus', ['NOT_VERIFIED', 'VERIFIED', 'EXPIRED']);
const Provider = { SUMSUB: 'sumsub' };
registerEnumType(Provider, { name: 'Provider' });

const string = [() => String];
const optional = { nullable: true };
const time = [() => GraphQLISODateTime];
const nodeId = (kind, key) => Buffer.from(`${kind}:${key}`).toString('base64url');
const cursor = (sortKey, id) => Buffer.from(JSON.stringify([sortKey, id])).toString('base64url');
const parseCursor = (text) => JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));

class Reason {}
fields(Reason, { code: string, message: [() => String, optional] }, ObjectType('RejectionReason'));
class Rejection {}
fields(Rejection, { retryable: [() => Boolean, optional], reasons: [() => [Reason]] });
class PageInfo {}
fields(PageInfo, { hasNextPage: [() => Boolean], endCursor: [() => String, optional] });
fields(Level, { key: string, name: string, provider: [() => Provider] });
fields(
  Attempt,
  {
    number: [() => Int],
    status: [() => AttemptStatus],
    providerStatus: string,
    rejection: [() => Rejection, optional],
    updatedAt: time,
    decidedAt: [() => GraphQLISODateTime, optional],
  },
  ObjectType('VerificationAttempt'),
);
class AttemptPage {}
fields(
  AttemptPage,
  { nodes: [() => [Attempt]], pageInfo: [() => PageInfo] },
  ObjectType('VerificationAttemptConnection'),
);
fields(UserLevel, {
  status: [() => VerificationStatus],
  since: time,
  expiresAt: [() => GraphQLISODateTime, optional],
  superseded: [() => Boolean],
});
fields(User, {
  externalUserId: [() => String, optional],
  verificationStatus: [() => VerificationStatus],
  active: [() => Boolean],
  createdAt: time,
  updatedAt: time,
});
class UserPage {}
fields(
  UserPage,
  { nodes: [() => [User]], pageInfo: [() => PageInfo] },
  ObjectType('UserConnection'),
);
class AttemptFilter {}
fields(AttemptFilter, { status: [() => [AttemptStatus], optional] }, InputType());

class UserResolver {
  id(user) {
    return nodeId('User', user.id);
  }

  user(externalUserId) {
    return dataSource.getRepository(User).findOneBy({ externalUserId });
  }

  async users(first, after) {
    const query = dataSource
      .getRepository(User)
      .createQueryBuilder('u')
      .where('u.merged_into IS NULL')
      .orderBy('u.createdAt', 'DESC')
      .addOrderBy('u.id', 'DESC')
      .limit(first + 1);
    if (after) {
      const [createdAt, id] = parseCursor(after);
      query.andWhere('(u.created_at, u.id) < (:createdAt, :id)', { createdAt, id });
    }
    return toPage(await query.getMany(), first, (user) =>
      cursor(user.createdAt.toISOString(), user.id),
    );
  }

  async attempts(user, first, { loaders }) {
    return toPage(await loaders.attemptsOfUser.load(user.id), first, (attempt) =>
      cursor(attempt.sortKey, attempt.id),
    );
  }

  levels(user, { loaders }) {
    return loaders.levelsOfUser.load(user.id);
  }
}
method(
  UserResolver,
  'id',
  FieldResolver(() => ID),
  [Root()],
);
method(
  UserResolver,
  'user',
  Query(() => User, optional),
  [Arg('externalUserId', () => String)],
);
method(
  UserResolver,
  'users',
  Query(() => UserPage),
  [Arg('first', () => Int), Arg('after', () => String, optional)],
);
method(
  UserResolver,
  'attempts',
  FieldResolver(() => AttemptPage),
  [Root(), Arg('first', () => Int), Ctx()],
);
method(
  UserResolver,
  'levels',
  FieldResolver(() => [UserLevel]),
  [Root(), Ctx()],
);
Resolver(() => User)(UserResolver);

class AttemptResolver {
  id(attempt) {
    return nodeId('VerificationAttempt', attempt.id);
  }

  startedAt(attempt) {
    return new Date(attempt.sortKey);
  }

  level(attempt, { loaders }) {
    return loaders.level.load(attempt.levelKey);
  }

  async provider(attempt, { loaders }) {
    return (await loaders.level.load(attempt.levelKey)).provider;
  }

  user(attempt, { loaders }) {
    return loaders.user.load(attempt.userId);
  }

  async verificationAttempts(first, after, filter) {
    const query = dataSource
      .getRepository(Attempt)
      .createQueryBuilder('a')
      .orderBy('a.sortKey', 'DESC')
      .addOrderBy('a.id', 'DESC')
      .limit(first + 1);
    if (filter?.status) query.andWhere('a.status IN (:...status)', { status: filter.status });
    if (after) {
      const [startedAt, id] = parseCursor(after);
      query.andWhere('(a.started_at, a.id) < (:startedAt, :id)', { startedAt, id });
    }
    return toPage(await query.getMany(), first, (attempt) => cursor(attempt.sortKey, attempt.id));
  }
}
method(
  AttemptResolver,
  'id',
  FieldResolver(() => ID),
  [Root()],
);
method(
  AttemptResolver,
  'startedAt',
  FieldResolver(() => GraphQLISODateTime),
  [Root()],
);
method(
  AttemptResolver,
  'level',
  FieldResolver(() => Level),
  [Root(), Ctx()],
);
method(
  AttemptResolver,
  'provider',
  FieldResolver(() => Provider),
  [Root(), Ctx()],
);
method(
  AttemptResolver,
  'user',
  FieldResolver(() => User),
  [Root(), Ctx()],
);
method(
  AttemptResolver,
  'verificationAttempts',
  Query(() => AttemptPage),
  [
    Arg('first', () => Int),
    Arg('after', () => String, optional),
    Arg('filter', () => AttemptFilter, optional),
  ],
);
Resolver(() => Attempt)(AttemptResolver);

class UserLevelResolver {
  level(userLevel, { loaders }) {
    return loaders.level.load(userLevel.levelKey);
  }
}
method(
  UserLevelResolver,
  'level',
  FieldResolver(() => Level),
  [Root(), Ctx()],
);
Resolver(() => UserLevel)(UserLevelResolver);

function toPage(rows, first, cursorOf) {
  const nodes = rows.slice(0, first);
  const last = nodes.at(-1);
  return {
    nodes,
    pageInfo: { hasNextPage: rows.length > first, endCursor: last ? cursorOf(last) : null },
  };
}

// ── Loaders, one set per request ────────────────────────────────────────────────────────────────────────────────────

function createLoaders() {
  return {
    user: byKey(User, 'id'),
    level: byKey(Level, 'key'),
    attemptsOfUser: listsBy(Attempt, { sortKey: 'DESC', id: 'DESC' }),
    levelsOfUser: listsBy(UserLevel, { levelKey: 'ASC' }),
  };
}

function byKey(Class, key) {
  return new DataLoader(async (keys) => {
    const rows = await dataSource.getRepository(Class).findBy({ [key]: In(keys) });
    const found = new Map(rows.map((row) => [row[key], row]));
    return keys.map((each) => found.get(each));
  });
}

function listsBy(Class, order) {
  return new DataLoader(async (userIds) => {
    const rows = await dataSource
      .getRepository(Class)
      .find({ where: { userId: In(userIds) }, order });
    const lists = new Map(userIds.map((id) => [id, []]));
    for (const row of rows) lists.get(row.userId).push(row);
    return userIds.map((id) => lists.get(id));
  });
}

// ── Server ──────────────────────────────────────────────────────────────────────────────────────────────────────────

async function main() {
  await dataSource.initialize();
  const schema = await buildSchema({
    resolvers: [UserResolver, AttemptResolver, UserLevelResolver],
  });
  const server = new ApolloServer({ schema });
  await server.start();
  const app = express();
  app.get('/', (_request, response) => response.send('ready'));
  app.use(
    '/graphql',
    express.json(),
    expressMiddleware(server, { context: async () => ({ loaders: createLoaders() }) }),
  );
  app.listen(Number(PORT), '127.0.0.1');
}

main();
