/** Validation of input values: text that a database cannot store is rejected, and errors contain the allowed values. */

import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { MAX_LIST_LENGTH, MAX_TEXT_LENGTH } from '../../src/graphql/inputs/input-check';
import { encodeNodeId } from '../../src/graphql/relay/node-id';
import { createSchema } from '../../src/graphql/schema';
import { PROVIDERS } from '../../src/providers/registry';
import { apiKey, codesOf, endUser, OPERATOR, openWorld, statusEvent, type World } from './world';

const ALL_SCOPES = apiKey('read', 'operate', 'pii:read', 'audit:read', 'erase');

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 1));
  await world.stopFeed();
});
afterAll(() => world.close());

beforeEach(() => world.statements.clear());

// ── Every text argument of the schema ───────────────────────────────────────────────────────────────────────────────

/** A position in the schema that accepts a string or an ID. */
interface TextInput {
  readonly name: string;
  /** An operation with the variable `$it` for the argument. */
  readonly withVariable: string;
  /** Returns the value of the argument with `text` at the position. */
  value(text: string): unknown;
  /** Returns the same operation with the value as a literal. */
  withLiteral(text: string): string;
}

const INPUTS = textInputsOf(createSchema(PROVIDERS));

it('finds the text arguments of the schema', () => {
  expect(INPUTS.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'Query.user(id)',
      'Query.user(identity.ref)',
      'Query.users(filter.ids)',
      'Query.statusChanges(filter.level)',
      'Query.auditLog(filter.actor)',
      'User.attempts(after)',
      'User.profile(reason)',
      'Mutation.linkIdentity(input.identity.ref)',
      'Subscription.statusChanged(filter.externalUserId)',
      'Subscription.statusChanged(after)',
    ]),
  );
});

describe.each(INPUTS)('$name', ({ withVariable, withLiteral, value }) => {
  it.each([
    ['NUL', 'a\0b'],
    ['half a surrogate pair', 'a\ud800b'],
    ['text over the limit', 'a'.repeat(MAX_TEXT_LENGTH + 1)],
  ])('rejects %s before it reads the database', async (_, text) => {
    const principal = withVariable.includes('statusChanged(') ? endUser('ann') : ALL_SCOPES;
    const response = await executeOrSubscribe(principal, withVariable, { it: value(text) });
    expect(codesOf(response)).toEqual(['BAD_USER_INPUT']);
    if (!text.includes('\ud800')) {
      expect(codesOf(await executeOrSubscribe(principal, withLiteral(text)))).toEqual([
        'BAD_USER_INPUT',
      ]);
    }
    expect(world.statements.sent).toEqual([]);
    expect(world.loggedErrors).toEqual([]);
    expect(JSON.stringify(response)).not.toMatch(/\\u0000|\\ud800|aaa/);
  });
});

it('rejects half a surrogate pair in a document as a syntax error', async () => {
  const response = await world.execute(ALL_SCOPES, '{ user(externalUserId: "\\ud800") { id } }');
  expect(codesOf(response)).toEqual(['GRAPHQL_PARSE_FAILED']);
});

it('accepts IDs of 512 letters outside ASCII, and astral characters', async () => {
  for (const text of ['漢'.repeat(512), '🦊'.repeat(256)]) {
    const response = await world.execute(
      ALL_SCOPES,
      `mutation ($identity: IdentityInput!) {
        linkIdentity(input: { identity: $identity, externalUserId: "ann" }) { userErrors { code } identity { ref } } }`,
      { identity: { provider: 'P100', ref: text } },
    );
    expect(response).toEqual({
      data: { linkIdentity: { userErrors: [], identity: { ref: text } } },
    });
  }
});

// Regression: a reference that exceeded the index limit returned INTERNAL on PostgreSQL.
it('links by the longest accepted reference', async () => {
  const response = await world.execute(
    ALL_SCOPES,
    `mutation ($identity: IdentityInput!) {
      linkIdentity(input: { identity: $identity, externalUserId: "ann" }) { userErrors { code } } }`,
    { identity: { provider: 'P100', ref: randomHan(MAX_TEXT_LENGTH) } },
  );
  expect(response).toEqual({ data: { linkIdentity: { userErrors: [] } } });
});

it.each([
  ['users(filter: { ids: $ids }) { totalCount }'],
  ['verificationAttempts(filter: { userIds: $ids }) { totalCount }'],
  ['webhookDeliveries(filter: { userIds: $ids }) { totalCount }'],
])('bounds the list of %s', async (field) => {
  const query = `query ($ids: [ID!]) { ${field} }`;
  const ids = Array.from({ length: MAX_LIST_LENGTH }, (_, index) => encodeNodeId('User', index));
  expect(codesOf(await world.execute(ALL_SCOPES, query, { ids }))).toEqual([]);
  world.statements.clear();
  const response = await world.execute(ALL_SCOPES, query, {
    ids: [...ids, encodeNodeId('User', 1)],
  });
  expect(codesOf(response)).toEqual(['BAD_USER_INPUT']);
  expect(world.statements.sent).toEqual([]);
});

it('ignores variables that the operation does not declare', async () => {
  const response = await world.execute(ALL_SCOPES, '{ users { totalCount } }', { other: 'a\0b' });
  expect(response).toEqual({ data: { users: { totalCount: 1 } } });
});

// ── Wrong values ────────────────────────────────────────────────────────────────────────────────────────────────────

describe('an invalid value', () => {
  const PROVIDER_WORDS = 'FRACTAL_ID, P100, PAYCADDY, SUMSUB';
  const words = PROVIDERS.map(({ enumName }) => enumName);

  it.each<[string, string, string, unknown, readonly string[]]>([
    ['a misspelt enum value', 'Provider', 'levels(provider: $it) { key }', 'SUMSUBB', words],
    ['an enum value by its slug', 'Provider', 'levels(provider: $it) { key }', 'fractal', words],
    ['a number for an enum value', 'Provider', 'levels(provider: $it) { key }', 5, words],
    [
      'a date',
      'UserFilter',
      'users(filter: $it) { totalCount }',
      { createdFrom: 'yesterday' },
      ['`filter.createdFrom`', 'DateTime', '2024-05-01T12:30:00Z'],
    ],
    [
      'a time without an offset',
      'DateTime',
      'users(filter: { createdFrom: $it }) { totalCount }',
      '2024-05-01T12:30:00',
      ['DateTime', '2024-05-01T12:30:00Z'],
    ],
    [
      'a year that has five digits in UTC',
      'DateTime',
      'users(filter: { createdFrom: $it }) { totalCount }',
      '9999-12-31T23:59:59-12:00',
      ['DateTime'],
    ],
    ['a text for a number', 'Int', 'users(first: $it) { totalCount }', 'Ann', ['Int', 'whole']],
    [
      'text for a boolean',
      'UserFilter',
      'users(filter: $it) { totalCount }',
      { active: 'Ann' },
      ['filter', 'Boolean', 'true or false'],
    ],
    [
      'text for an object',
      'UserFilter',
      'users(filter: $it) { totalCount }',
      'Ann',
      ['UserFilter'],
    ],
    [
      'a nested list',
      'UserFilter',
      'users(filter: $it) { totalCount }',
      { verificationStatus: ['VERIFIED', 'Ann'] },
      ['EXPIRED', 'NOT_VERIFIED', 'VERIFIED'],
    ],
    [
      'an object without a required field',
      'UserOrder',
      'users(orderBy: $it) { totalCount }',
      { field: 'CREATED_AT' },
      ['direction', 'OrderDirection'],
    ],
    [
      'an object with an unknown field',
      'UserFilter',
      'users(filter: $it) { totalCount }',
      { actve: true },
      ['actve', 'UserFilter', 'Did you mean'],
    ],
  ])(
    'is rejected with its type and the allowed values: %s',
    async (_, type, field, it, expected) => {
      const schemaType = world.service.schema.getType(type) as GraphQLInputType;
      const literal = field.replace('$it', printLiteral(it, schemaType));
      const byVariable = await world.execute(ALL_SCOPES, `query ($it: ${type}) { ${field} }`, {
        it,
      });
      const byLiteral = await world.execute(ALL_SCOPES, `{ ${literal} }`);
      expect(codesOf(byVariable)).toEqual(['BAD_USER_INPUT']);
      expect(codesOf(byLiteral)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
      for (const { errors } of [byVariable, byLiteral]) {
        const [message = ''] = errors?.map((error) => error.message) ?? [];
        for (const word of expected)
          expect(message.replace('$it', type === 'UserFilter' ? 'filter' : '$it')).toContain(word);
        expect(message).not.toMatch(/Ann|SUMSUBB|yesterday|fractal\b|:59/);
      }
      const predicate = (text = '') => text.replace(/^`[^`]+` /, '');
      expect(predicate(byVariable.errors?.[0]?.message)).toEqual(
        predicate(byLiteral.errors?.[0]?.message),
      );
      expect(PROVIDER_WORDS.split(', ').every((word) => words.includes(word))).toBe(true);
    },
  );

  it('is rejected with a suggestion', async () => {
    const query = 'query ($it: Provider) { levels(provider: $it) { key } }';
    const { errors } = await world.execute(OPERATOR, query, { it: 'SUMSUBB' });
    expect(errors?.[0]?.message).toContain('Did you mean the enum value "SUMSUB"?');
    expect(errors?.[0]?.message).toContain('`$it` (Provider)');
  });

  it('is reported with its index in a list', async () => {
    const query = 'query ($it: UserFilter) { users(filter: $it) { totalCount } }';
    const it = { verificationStatus: ['VERIFIED', 'VERIFYED'] };
    const { errors } = await world.execute(OPERATOR, query, { it });
    expect(errors?.[0]?.message).toContain('`$it.verificationStatus[1]`');
  });

  it('is reported by name if it is missing', async () => {
    const { errors } = await world.execute(OPERATOR, 'query ($it: ID!) { node(id: $it) { id } }');
    expect(errors?.[0]?.message).toContain('`$it` (ID!)');
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT' });
  });

  it('is one of at most 20 reported errors', async () => {
    const query = 'query ($it: UserFilter) { users(filter: $it) { totalCount } }';
    const it = { verificationStatus: Array.from({ length: 5_000 }, () => 'nothing') };
    const { errors } = await world.execute(OPERATOR, query, { it });
    expect(errors).toHaveLength(20);
  });
});

// ── Helpers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function executeOrSubscribe(
  principal: Parameters<World['execute']>[0],
  query: string,
  variables: Record<string, unknown> = {},
) {
  if (!query.startsWith('subscription')) return world.execute(principal, query, variables);
  const { rejection } = await world.subscribe(principal, query, variables);
  if (rejection === null) throw new Error('The subscription was not rejected');
  return rejection;
}

function textInputsOf(schema: GraphQLSchema): readonly TextInput[] {
  return [...pathsTo(schema)].flatMap(([type, around]) =>
    Object.values(type.getFields()).flatMap((field) =>
      field.args.flatMap((arg) =>
        textPlaces(arg.type).map((place) => toInput(type, field, arg, place, around)),
      ),
    ),
  );
}

type Around = (selection: string) => string;

/** Returns, for every reachable object type, an operation that contains a selection of it. */
function pathsTo(schema: GraphQLSchema): ReadonlyMap<GraphQLObjectType, Around> {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const found = new Map<GraphQLObjectType, Around>();
  for (const root of roots) if (root) found.set(root, (selection) => `{ ${selection} }`);
  for (const [type, around] of found) {
    if (type !== schema.getQueryType() && roots.includes(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const inner = getNamedType(field.type);
      if (!isObjectType(inner) || found.has(inner)) continue;
      if (field.args.some(isRequiredArgument)) continue;
      found.set(inner, (selection) => around(`${field.name} { ${selection} }`));
    }
  }
  return found;
}

/** Returns the paths of the strings in a type: `[]` for a string. */
function textPlaces(type: GraphQLInputType): readonly (readonly string[])[] {
  const bare = getNullableType(type);
  if (isListType(bare)) return textPlaces(bare.ofType);
  if (isInputObjectType(bare)) {
    return Object.values(bare.getFields()).flatMap((field) =>
      textPlaces(field.type).map((rest) => [field.name, ...rest]),
    );
  }
  return ['String', 'ID'].includes(getNamedType(bare).name) ? [[]] : [];
}

function toInput(
  type: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
  arg: GraphQLArgument,
  place: readonly string[],
  around: Around,
): TextInput {
  const name = `${type.name}.${field.name}(${[arg.name, ...place].join('.')})`;
  const others = field.args
    .filter((other) => other !== arg && isRequiredArgument(other))
    .map((other) => `, ${other.name}: ${printLiteral(sample(other.type), other.type)}`)
    .join('');
  const body = isObjectType(getNamedType(field.type)) || 'getFields' in getNamedType(field.type);
  const kind = ['Mutation', 'Subscription'].includes(type.name) ? type.name.toLowerCase() : 'query';
  const operation = (value: string) =>
    around(`${field.name}(${arg.name}: ${value}${others})${body ? ' { __typename }' : ''}`);
  const value = (text: string) => sample(arg.type, place, text);
  return {
    name,
    value,
    withVariable: `${kind} ($it: ${arg.type}) ${operation('$it')}`,
    withLiteral: (text) => `${kind} ${operation(printLiteral(value(text), arg.type))}`,
  };
}

/** Returns a value of the type with all required fields, and `text` at the path. */
function sample(type: GraphQLInputType, place?: readonly string[], text = 'x'): unknown {
  const bare = getNullableType(type);
  if (isListType(bare)) return [sample(bare.ofType, place, text)];
  if (isEnumType(bare)) return bare.getValues()[0]?.name;
  if (!isInputObjectType(bare)) return ['String', 'ID'].includes(bare.name) ? text : 1;
  const [first, ...rest] = place ?? [];
  const fields = Object.values(bare.getFields()).flatMap((field) => {
    if (field.name === first) return [[field.name, sample(field.type, rest, text)]];
    return isRequiredInputField(field) ? [[field.name, sample(field.type)]] : [];
  });
  return Object.fromEntries(fields);
}

function printLiteral(value: unknown, type: GraphQLInputType): string {
  const bare = getNullableType(type);
  if (Array.isArray(value)) {
    const inner = isListType(bare) ? bare.ofType : bare;
    return `[${value.map((item) => printLiteral(item, inner)).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const fields = isInputObjectType(bare) ? bare.getFields() : {};
    const printed = Object.entries(value).map(([name, inner]) => {
      const { type: innerType } = fields[name] ?? { type: bare };
      return `${name}: ${printLiteral(inner, innerType)}`;
    });
    return `{ ${printed.join(', ')} }`;
  }
  const isWord = isEnumType(getNamedType(bare)) && typeof value === 'string';
  return isWord ? value : JSON.stringify(value);
}

/** Returns text that the compression of an index cannot shorten. */
function randomHan(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCharCode(0x4e00 + (state % 20_000));
  }).join('');
}
