/** Documents that are accepted, and rejections of hostile ones by the first limit that they exceed. */

import { readFileSync } from 'node:fs';
import { getIntrospectionQuery } from 'graphql';
import { DEFAULT_DOCUMENT_LIMITS } from '../../../src/config/graphql';
import type { DocumentLimits } from '../../../src/graphql/documents/limits';
import { createPrepareOperation } from '../../../src/graphql/documents/prepare-operation';
import { ALL_DOCUMENTS } from '../../../src/graphql/documents/trusted-documents';
import { createSchema } from '../../../src/graphql/schema';
import { PROVIDERS } from '../../../src/providers/registry';

const SCHEMA = createSchema(PROVIDERS);

function createPrepare(limits: Partial<DocumentLimits> = {}, introspection = true) {
  const prepare = createPrepareOperation({
    schema: SCHEMA,
    limits: { ...DEFAULT_DOCUMENT_LIMITS, ...limits },
    introspection,
    trusted: ALL_DOCUMENTS,
  });
  return (query: string, variables = {}, operationName: string | null = null) =>
    prepare({ query, variables, operationName });
}

function toRejection(read: ReturnType<ReturnType<typeof createPrepare>>): object {
  if (!('errors' in read)) return {};
  const [error] = read.errors;
  return error?.extensions.code ? error.extensions : { code: error?.message };
}

const BENCH = readFileSync('bench/queries/documents.js', 'utf8');

describe('by default', () => {
  it('accepts the documents of the benchmark', () => {
    const part = (name: string) =>
      new RegExp(`const ${name} =\\s*[\`'](.*?)[\`'];`, 's').exec(BENCH)?.[1] ?? '';
    const levels = part('LEVELS');
    const user = part('USER').replace(/\$\{LEVELS\}/, levels);
    const documents = [...BENCH.matchAll(/q\d: `(.*?)`,/gs)].map(([, text = '']) =>
      text.replace(/\$\{USER\}/g, user).replace(/\$\{ATTEMPT\}/g, part('ATTEMPT')),
    );
    expect(documents).toHaveLength(3);
    for (const text of documents) {
      expect(toRejection(createPrepare()(text, { id: 'x', after: 'x' }))).toEqual({});
    }
  });

  it('accepts introspection if it is enabled', () => {
    const query = getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true });
    expect(toRejection(createPrepare()(query))).toEqual({});
    expect(toRejection(createPrepare({}, false)(query))).toMatchObject({
      code: expect.stringContaining('introspection'),
    });
    expect(toRejection(createPrepare({}, false)('{ __typename }'))).toEqual({});
  });
});

describe('rejects a document with', () => {
  const spread = (times: number) =>
    `{ users { nodes { ${'...A '.repeat(times)} } } } fragment A on User { a: id b: id @skip(if: false) }`;

  it.each<[string, Partial<DocumentLimits>, string, object]>([
    [
      'tokens',
      { tokens: 8 },
      '{ users { nodes { id } } }',
      { code: 'TOO_MANY_TOKENS', limit: { allowed: 8 } },
    ],
    [
      'levels',
      { depth: 2 },
      '{ users { nodes { id } } }',
      { code: 'TOO_DEEP', limit: { allowed: 2, requested: 3 } },
    ],
    [
      'root fields',
      { rootFields: 2 },
      '{ cursor ...A } fragment A on Query { a: cursor b: cursor }',
      { code: 'TOO_MANY_ROOT_FIELDS', limit: { allowed: 2, requested: 3 } },
    ],
    [
      'aliases',
      { aliases: 5 },
      spread(3),
      { code: 'TOO_MANY_ALIASES', limit: { allowed: 5, requested: 6 } },
    ],
    [
      'directives',
      { directives: 2 },
      spread(3),
      { code: 'TOO_MANY_DIRECTIVES', limit: { allowed: 2, requested: 3 } },
    ],
    [
      'fields',
      { fields: 10 },
      spread(3),
      { code: 'TOO_MANY_FIELDS', limit: { allowed: 10, requested: 11 } },
    ],
    [
      'fragments',
      { fragments: 0 },
      spread(1),
      { code: 'TOO_MANY_FRAGMENTS', limit: { allowed: 0, requested: 1 } },
    ],
    [
      'cost',
      { cost: 40 },
      '{ users { nodes { id externalUserId } } }',
      { code: 'TOO_COSTLY', cost: { allowed: 40, requested: 61 } },
    ],
  ])('too many %s', (_, limits, query, refusal) => {
    expect(toRejection(createPrepare()(query))).toEqual({});
    expect(toRejection(createPrepare(limits)(query))).toEqual(refusal);
  });

  // A nested value needs four calls per level, a selection five.
  it('a value nested deeper than the stack', () => {
    const prepare = createPrepare({ tokens: 1_000_000 });
    const query = `{ user(id: ${'['.repeat(100_000)}`;
    expect(toRejection(prepare(query))).toEqual({ code: 'TOO_DEEP', limit: { allowed: 16 } });
    expect(toRejection(prepare('{ cursor }'))).toEqual({});
  });

  it('fragments that expand to more fields than the largest integer', () => {
    const doubling = Array.from(
      { length: 48 },
      (_, n) => `fragment F${n} on User { ...F${n + 1} ...F${n + 1} }`,
    );
    const query = `{ user(id: "x") { ...F0 } } ${doubling.join(' ')} fragment F48 on User { id }`;
    expect(toRejection(createPrepare()(query))).toMatchObject({ code: 'TOO_MANY_FIELDS' });
  });

  it('a fragment that contains itself, even if it is never spread', () => {
    const circle = 'fragment A on User { ...B } fragment B on User { ...A }';
    for (const query of [`{ user(id: "x") { ...A } } ${circle}`, `{ cursor } ${circle}`]) {
      expect(toRejection(createPrepare()(query))).toEqual({
        code: 'A fragment must not spread itself.',
      });
    }
  });

  it('hundreds of errors, of which it reports few', () => {
    const read = createPrepare()(
      `{ ${Array.from({ length: 20 }, (_, n) => `x${n}(a: 1, b: 2)`).join(' ')} }`,
    );
    expect('errors' in read && read.errors.length).toBeLessThan(25);
  });
});

describe('the cost', () => {
  const query =
    'query ($n: Int = 100, $more: Boolean = true) { users(first: $n) { nodes { id @include(if: $more) active } } }';

  it.each([
    [{ n: 1 }, 1 + 3],
    [{}, 1 + 100 * 3],
    [{ n: null }, 1 + 20 * 3],
    [{ n: 1_000_000 }, 1 + 100 * 3],
    [{ n: -5, more: false }, 1 + 2],
    [{ n: 10, more: false }, 1 + 10 * 2],
  ])('with %p is %p, regardless of earlier variables', (variables, requested) => {
    const prepare = createPrepare({ cost: 1 });
    for (const other of [{ n: 3 }, {}, { n: null }, { more: false }]) prepare(query, other);
    expect(toRejection(prepare(query, variables))).toMatchObject({
      cost: { allowed: 1, requested },
    });
  });

  it('of nested pages multiplies', () => {
    const nested =
      '{ users(first: 100) { nodes { attempts(last: 100) { edges { node { id } } } } } }';
    expect(toRejection(createPrepare({ cost: 1 })(nested))).toMatchObject({
      cost: { requested: 1 + 100 * (1 + 1 + 100 * 3) },
    });
  });

  it.each([
    ['levels { status }', 5],
    ['levels(first: 2) { status }', 2],
    ['levels(first: 500) { status }', 500],
    ['levelCount', 9],
  ])('of %s depends on the page size, or on the default list size', (field, entries) => {
    expect(toRejection(createPrepare({ cost: 1 })(`{ user(id: "x") { ${field} } }`))).toMatchObject(
      {
        cost: { requested: 1 + 1 + entries },
      },
    );
  });

  it('is not computed with invalid variables', () => {
    expect(toRejection(createPrepare({ cost: 1 })(query, { n: 'many' }))).toEqual({
      code: 'BAD_USER_INPUT',
    });
  });

  it('is that of the selected operation', () => {
    const both = 'query Small { cursor } query Large { users(first: 100) { nodes { id } } }';
    const prepare = createPrepare({ cost: 10 });
    expect(toRejection(prepare(both, {}, 'Small'))).toEqual({});
    expect(toRejection(prepare(both, {}, 'Large'))).toMatchObject({ code: 'TOO_COSTLY' });
    expect(toRejection(prepare(both))).toMatchObject({ code: 'OPERATION_RESOLUTION_FAILURE' });
  });
});

it('returns the same document for equal texts while it is cached', () => {
  const prepare = createPrepare();
  const [one, two] = [prepare('{ cursor }'), prepare('{ cursor }')];
  expect('document' in one && 'document' in two && one.document === two.document).toBe(true);
});
