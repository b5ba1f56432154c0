/** Errors sent to clients: codes, redacted messages of the GraphQL library, and no internals. */

import { runInNewContext } from 'node:vm';
import {
  execute,
  GraphQLError,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  graphql,
  parse,
} from 'graphql';
import { CursorExpiredError, GatewayError } from '../../src/domain/errors';
import { createErrorFormatter } from '../../src/graphql/errors';
import { createSchema } from '../../src/graphql/schema';
import { PROVIDERS } from '../../src/providers/registry';
import { createRecordedLog } from '../support/logs';

const { log, lines: records } = createRecordedLog();
const format = createErrorFormatter(log);
const schema = createSchema(PROVIDERS);

beforeEach(() => {
  records.length = 0;
});

/** Returns the error of a resolver that throws `error`. */
async function thrown(error: unknown): Promise<GraphQLError> {
  const failing = new GraphQLSchema({
    query: new GraphQLObjectType({
      name: 'Query',
      fields: {
        field: {
          type: GraphQLString,
          resolve() {
            throw error;
          },
        },
      },
    }),
  });
  const result = await execute({ schema: failing, document: parse('{ field }') });
  const [first] = result.errors ?? [];
  if (!first) throw new Error('The operation did not fail');
  return first;
}

describe('createErrorFormatter', () => {
  it('keeps the code and the message of a GatewayError, and adds the path', async () => {
    const error = format(
      await thrown(new GatewayError('FORBIDDEN', 'this needs the scope `read`')),
    );
    expect(error).toEqual({
      message: 'this needs the scope `read`',
      path: ['field'],
      locations: [{ line: 1, column: 3 }],
      extensions: { code: 'FORBIDDEN' },
    });
    expect(records).toEqual([]);
  });

  it('converts INPUT_INVALID to BAD_USER_INPUT', async () => {
    const error = format(await thrown(new GatewayError('INPUT_INVALID', 'no')));
    expect(error.extensions).toEqual({ code: 'BAD_USER_INPUT' });
  });

  it('adds the oldest cursor, also for an error of a stream', () => {
    const cause = new CursorExpiredError('oldest');
    for (const error of [cause, new GraphQLError(cause.message, { originalError: cause })]) {
      expect(format(error).extensions).toEqual({ code: 'CURSOR_EXPIRED', oldestCursor: 'oldest' });
    }
  });

  it.each([
    ['an error', Object.assign(new Error('secret: passport 123'), { parameters: ['Ann'] })],
    ['an error that quotes the malformed text', parseError('{"name": Ann}')],
    ['an error of a scalar', new GraphQLError('String cannot represent value: { name: "Ann" }')],
    ['an error of a database', new Error('invalid input syntax for type integer: "Ann"')],
    ['a value', 'secret: passport 123'],
    ['nothing', undefined],
  ])('masks %s, and logs it with the same ID', async (_, error) => {
    const formatted = format(await thrown(error));
    expect(formatted.extensions?.code).toBe('INTERNAL');
    expect(JSON.stringify(formatted)).not.toMatch(/secret|passport|Ann/);
    expect(records).toEqual([expect.objectContaining({ id: formatted.extensions?.id })]);
    expect(JSON.stringify(records)).not.toContain('Ann');
  });

  it('logs an error of another realm, such as that of a native library', async () => {
    const foreign: unknown = runInNewContext("new RangeError('from elsewhere')");
    format(foreign);
    expect(records).toMatchObject([{ err: { type: 'RangeError', message: 'from elsewhere' } }]);
  });

  it('masks a resolver value that its type rejects', async () => {
    const failing = new GraphQLSchema({
      query: new GraphQLObjectType({
        name: 'Query',
        fields: { field: { type: GraphQLString, resolve: () => ({ secret: 1 }) } },
      }),
    });
    const { errors } = await execute({ schema: failing, document: parse('{ field }') });
    expect(format(errors?.[0]).extensions?.code).toBe('INTERNAL');
    expect(records).toHaveLength(1);
  });

  it.each([
    ['syntax', '{ user(', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown enum value', '{ levels(provider: NOBODY) { key } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a missing variable', 'query ($id: ID!) { node(id: $id) { id } }', 'BAD_USER_INPUT'],
  ])('keeps the message of the library for %s', async (_, source, code) => {
    const { errors } = await graphql({ schema, source });
    const formatted = format(errors?.[0]);
    expect(formatted.extensions).toEqual({ code });
    expect(formatted.message).toBe(errors?.[0]?.message);
    expect(records).toEqual([]);
  });

  const FILTERED =
    'query ($it: UserFilter) { users(filter: $it) { totalCount } levels(provider: null) { key } }';

  it.each<[string, string, unknown, string]>([
    ['a variable', FILTERED, 'Ann', 'Variable "$it" got an invalid value.'],
    ['a variable with more in it', FILTERED, { name: 'Ann; x at "it.y"; ' }, 'Variable "$it"'],
    ['a variable with less in it', FILTERED, { createdFrom: 'Ann; x' }, 'Variable "$it"'],
    ['a name in the place of a word', FILTERED, { verificationStatus: 'Ann' }, 'Variable "$it"'],
    ['a number', '{ users(first: "Ann") { totalCount } }', null, 'Int cannot represent'],
    ['a word', '{ levels(provider: "Ann") { key } }', null, 'Enum "Provider" cannot represent'],
    [
      'a timestamp',
      '{ users(filter: { createdFrom: "Ann" }) { totalCount } }',
      null,
      'DateTime must be a date and time with an offset',
    ],
    ['an object', '{ users(filter: "Ann") { totalCount } }', null, 'Expected value of type "UserF'],
    ['a misplaced string', '{ users "Ann" }', null, 'Syntax Error: Expected Name, found String.'],
  ])('returns a message without the value for %s', async (_, source, it, expected) => {
    const { errors } = await graphql({ schema, source, variableValues: { it } });
    const output = errors?.map((error) => format(error).message) ?? [];
    expect(output.join('\n')).toContain(expected);
    expect(output.join('\n')).not.toContain('Ann');
  });

  it('returns BAD_USER_INPUT for an invalid variable, including custom scalars', async () => {
    const { errors } = await graphql({
      schema,
      source: 'query ($from: DateTime) { users(filter: { createdFrom: $from }) { totalCount } }',
      variableValues: { from: '2024-02-30T00:00:00Z' },
    });
    expect(format(errors?.[0]).extensions).toEqual({ code: 'BAD_USER_INPUT' });
  });

  it('keeps the code set by the server', () => {
    const error = new GraphQLError('too long', {
      extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' },
    });
    expect(format(error)).toMatchObject({
      message: 'too long',
      extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' },
    });
  });
});

function parseError(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    expect(String(error)).toContain('Ann'); // the precondition of this test
    return error;
  }
}
