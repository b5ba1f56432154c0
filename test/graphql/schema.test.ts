/** The schema as a whole: descriptions, the committed SDL, and several schemas in one process. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  type GraphQLDirective,
  type GraphQLNamedType,
  type GraphQLSchema,
  graphqlSync,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  validateSchema,
} from 'graphql';
import { createSchema, printSdl } from '../../src/graphql/schema';
import { PROVIDERS } from '../../src/providers/registry';

const SDL_FILE = join(__dirname, '../../schema/schema.graphql');

describe('the schema', () => {
  const schema = createSchema(PROVIDERS);

  it('matches schema/schema.graphql, which `npx kyc-gateway schema` prints', () => {
    expect(printSdl(schema)).toBe(readFileSync(SDL_FILE, 'utf8'));
  });

  it('is valid GraphQL, in memory and as text', () => {
    expect(validateSchema(schema)).toEqual([]);
    expect(validateSchema(buildSchema(printSdl(schema)))).toEqual([]);
  });
  it('describes every element by sentences that end with a period', () => {
    expect(findUndescribed(schema)).toEqual([]);
  });

  it('finds elements without a description, or without a period at its end', () => {
    const incomplete = buildSchema(`
      "Queries." type Query { "A field." a(b: Int): E  "no period" c: Int }
      "Kinds." enum E { "One." X  Y }
      "Input." input I { d: Int }
      scalar S
      "no period" directive @marked("The reason." reason: String, level: Int) on FIELD_DEFINITION
    `);
    expect(findUndescribed(incomplete)).toEqual([
      '@marked',
      '@marked(level:)',
      'E.Y',
      'I.d',
      'Query.a(b:)',
      'Query.c',
      'S',
    ]);
  });

  it('has a value per provider of the registry, with its slug as internal value', () => {
    expect(providerValues(schema)).toEqual({
      FRACTAL_ID: 'fractal-id',
      SUMSUB: 'sumsub',
      PAYCADDY: 'paycaddy',
      P100: 'p100',
    });
  });

  it('adds a value for a new adapter, in a process with another schema', () => {
    const added = { id: 'new-co', enumName: 'NEW_CO', displayName: 'New Co' };
    const extended = createSchema([...PROVIDERS, added]);
    expect(providerValues(extended)).toHaveProperty('NEW_CO', 'new-co');
    expect(providerValues(schema)).not.toHaveProperty('NEW_CO');
    expect(printSdl(createSchema(PROVIDERS))).toBe(printSdl(schema));
  });

  it('prints the same SDL for any order of types', () => {
    expect(printSdl(createSchema([...PROVIDERS].reverse()))).toBe(printSdl(schema));
  });

  it('exposes no property of a row without a field declaration', () => {
    const fields = listFields(schema);
    expect(fields).toEqual(expect.arrayContaining(['User.id', 'Level.key']));
    const hidden =
      /^User\.key$|\.(userId|identityId|levelKey|attemptId|latestAttemptId|deliveryId|actorName|subjectRef)$/;
    expect(fields.filter((field) => hidden.test(field))).toEqual([]);
  });
  it('states the required scope of every mutation', () => {
    const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
    for (const { description } of mutations) {
      expect(description).toMatch(/Requires the `\w+`( and `\w+`)? scopes?\.$/);
    }
  });

  it('has exactly these mutations', () => {
    expect(Object.keys(schema.getMutationType()?.getFields() ?? {}).sort()).toEqual([
      'createUser',
      'eraseUser',
      'linkIdentity',
      'releaseLegalHold',
      'replayDeliveries',
      'setLegalHold',
    ]);
  });

  it.each(['User', 'VerificationAttempt', 'StatusChange', 'WebhookDelivery', 'AuditEntry'])(
    'implements Node: %s',
    (name) => {
      const type = schema.getType(name);
      expect(isObjectType(type) && type.getInterfaces().map((one) => one.name)).toEqual(['Node']);
    },
  );

  it('supports introspection', () => {
    const { data, errors } = graphqlSync({ schema, source: '{ __schema { types { name } } }' });
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data)).toContain('"VerificationAttemptConnection"');
  });
});

function providerValues(schema: GraphQLSchema): Record<string, unknown> {
  const type = schema.getType('Provider');
  if (!isEnumType(type)) throw new Error('Provider is not an enum');
  return Object.fromEntries(type.getValues().map(({ name, value }) => [name, value]));
}

function ownTypes(schema: GraphQLSchema): readonly GraphQLNamedType[] {
  return Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
}

function listFields(schema: GraphQLSchema): readonly string[] {
  return ownTypes(schema).flatMap((type) =>
    isObjectType(type) || isInterfaceType(type)
      ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)
      : [],
  );
}

/** Returns the elements of the schema whose description is missing or does not end with a period. */
function findUndescribed(schema: GraphQLSchema): readonly string[] {
  const directives = schema.getDirectives().filter((one) => !isSpecifiedDirective(one));
  return [...ownTypes(schema).flatMap(listElements), ...directives.flatMap(listDirectiveElements)]
    .filter(([, description]) => !description?.endsWith('.'))
    .map(([name]) => name)
    .sort();
}

type Element = readonly [name: string, description: string | null | undefined];

function listDirectiveElements({ name, description, args }: GraphQLDirective): readonly Element[] {
  return [
    [`@${name}`, description],
    ...args.map((arg): Element => [`@${name}(${arg.name}:)`, arg.description]),
  ];
}

function listElements(type: GraphQLNamedType): readonly Element[] {
  const self: Element = [type.name, type.description];
  if (isEnumType(type)) {
    return [
      self,
      ...type
        .getValues()
        .map((value): Element => [`${type.name}.${value.name}`, value.description]),
    ];
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    return [
      self,
      ...fields.map((field): Element => [`${type.name}.${field.name}`, field.description]),
    ];
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return [self];
  return [
    self,
    ...Object.values(type.getFields()).flatMap((field): Element[] => [
      [`${type.name}.${field.name}`, field.description],
      ...field.args.map(
        (arg): Element => [`${type.name}.${field.name}(${arg.name}:)`, arg.description],
      ),
    ]),
  ];
}
