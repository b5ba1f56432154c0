/** Which documents may run, and that hostile ones are refused by the first limit that they break. */

import { readFileSync } from 'node:fs';
import { getIntrospectionQuery } from 'graphql';
import { DEFAULT_DOCUMENT_LIMITS } from '../../../src/config/graphql';
import type { DocumentLimits } from '../../../src/graphql/documents/limits';
import { createPrepareOperation } from '../../../src/graphql/documents/prepare-operation';
import { ALL_DOCUMENTS } from '../../../src/graphql/documents/trusted-documents';
import { createSchema } from '../../../src/graphql/schema';
import { PROVIDERS } from '../../../src/providers/registry';

const SCHEMA = createSchema(PROVIDERS);

function createAdmit(limits: Partial<DocumentLimits> = {}, introspection = true) {
  const admit = createPrepareOperation({
    schema: SCHEMA,
    limits: { ...DEFAULT_DOCUMENT_LIMITS, ...limits },
    introspection,
    trusted: ALL_DOCUMENTS,
  });
  return (query: string, variables = {}, operationName: string | null = null) =>
    admit({ query, variables, operationName });
}

function refusalOf(read: ReturnType<ReturnType<typeof createAdmit>>): object {
  if (!('errors' in read)) return {};
  const [error] = read.errors;
  return error?.extensions.code ? error.extensions : { code: error?.message };
}

const BENCH = readFileSync('bench/queries/documents.js', 'utf8');

describe('by default', () => {
  it('the questions of the benchmark are admitted', () => {
    const part = (name: string) =>
      new RegExp(`const ${name} =\\s*[\`'](.*?)[\`'];`, 's').exec(BENCH)?.[1] ?? '';
    const levels = part('LEVELS');
    const user = part('USER').replace(/\$\{LEVELS\}/, levels);
    const documents = [...BENCH.matchAll(/q\d: `(.*?)`,/gs)].map(([, text = '']) =>
      text.replace(/\$\{USER\}/g, user).replace(/\$\{ATTEMPT\}/g, part('ATTEMPT')),
    );
    expect(documents).toHaveLength(3);
    for (const text of documents) {
      expect(refusalOf(createAdmit()(text, { id: 'x', after: 'x' }))).toEqual({});
    }
  });

  it('introspection is admitted where it is on', () => {
    const query = getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true });
    expect(refusalOf(createAdmit()(query))).toEqual({});
    expect(refusalOf(createAdmit({}, false)(query))).toMatchObject({
      code: expect.stringContaining('introspection'),
    });
    expect(refusalOf(createAdmit({}, false)('{ __typename }'))).toEqual({});
  });
});

describe('a document is refused that has', () => {
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
    expect(refusalOf(createAdmit()(query))).toEqual({});
    expect(refusalOf(createAdmit(limits)(query))).toEqual(refusal);
  });

  // A value needs four calls a level, a selection five.
  it('a value nested deeper than there is stack', () => {
    const admit = createAdmit({ tokens: 1_000_000 });
    const query = `{ user(id: ${'['.repeat(100_000)}`;
    expect(refusalOf(admit(query))).toEqual({ code: 'TOO_DEEP', limit: { allowed: 16 } });
    expect(refusalOf(admit('{ cursor }'))).toEqual({});
  });

  it('fragments that spread into more fields than there are numbers', () => {
    const doubling = Array.from(
      { length: 48 },
      (_, n) => `fragment F${n} on User { ...F${n + 1} ...F${n + 1} }`,
    );
    const query = `{ user(id: "x") { ...F0 } } ${doubling.join(' ')} fragment F48 on User { id }`;
    expect(refusalOf(createAdmit()(query))).toMatchObject({ code: 'TOO_MANY_FIELDS' });
  });

  it('a fragment inside itself, also one that is never spread', () => {
    const circle = 'fragment A on User { ...B } fragment B on User { ...A }';
    for (const query of [`{ user(id: "x") { ...A } } ${circle}`, `{ cursor } ${circle}`]) {
      expect(refusalOf(createAdmit()(query))).toEqual({
        code: 'A fragment must not spread itself.',
      });
    }
  });

  it('hundreds of faults, of which few are told', () => {
    const read = createAdmit()(
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
  ])('with %p is %p, whatever was asked before', (variables, requested) => {
    const admit = createAdmit({ cost: 1 });
    for (const other of [{ n: 3 }, {}, { n: null }, { more: false }]) admit(query, other);
    expect(refusalOf(admit(query, variables))).toMatchObject({ cost: { allowed: 1, requested } });
  });

  it('of pages inside each other multiplies', () => {
    const nested =
      '{ users(first: 100) { nodes { attempts(last: 100) { edges { node { id } } } } } }';
    expect(refusalOf(createAdmit({ cost: 1 })(nested))).toMatchObject({
      cost: { requested: 1 + 100 * (1 + 1 + 100 * 3) },
    });
  });

  it.each([
    ['levels { status }', 5],
    ['levels(first: 2) { status }', 2],
    ['levels(first: 500) { status }', 500],
    ['levelCount', 9],
  ])('of %s multiplies by the page, or is as usual', (field, entries) => {
    expect(refusalOf(createAdmit({ cost: 1 })(`{ user(id: "x") { ${field} } }`))).toMatchObject({
      cost: { requested: 1 + 1 + entries },
    });
  });

  it('is not counted with variables that are wrong', () => {
    expect(refusalOf(createAdmit({ cost: 1 })(query, { n: 'many' }))).toEqual({
      code: 'BAD_USER_INPUT',
    });
  });

  it('is that of the operation that is named', () => {
    const both = 'query Small { cursor } query Large { users(first: 100) { nodes { id } } }';
    const admit = createAdmit({ cost: 10 });
    expect(refusalOf(admit(both, {}, 'Small'))).toEqual({});
    expect(refusalOf(admit(both, {}, 'Large'))).toMatchObject({ code: 'TOO_COSTLY' });
    expect(refusalOf(admit(both))).toMatchObject({ code: 'OPERATION_RESOLUTION_FAILURE' });
  });
});

it('gives equal texts the same document, while it is kept', () => {
  const admit = createAdmit();
  const [one, two] = [admit('{ cursor }'), admit('{ cursor }')];
  expect('document' in one && 'document' in two && one.document === two.document).toBe(true);
});
