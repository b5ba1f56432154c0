/** The schema as a whole: documented throughout, fresh on disk, and made anew as often as one likes. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  type GraphQLNamedType,
  type GraphQLSchema,
  graphqlSync,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  validateSchema,
} from 'graphql';
import { createSchema, printSdl } from '../../src/graphql/schema';
import { PROVIDERS } from '../../src/providers/registry';

const SDL_FILE = join(__dirname, '../../schema/schema.graphql');

describe('the schema', () => {
  const schema = createSchema(PROVIDERS);

  it('is the one in schema/schema.graphql; else run `npx kyc-gateway schema > schema/schema.graphql`', () => {
    expect(printSdl(schema)).toBe(readFileSync(SDL_FILE, 'utf8'));
  });

  it('is valid GraphQL, in memory and as text', () => {
    expect(validateSchema(schema)).toEqual([]);
    expect(validateSchema(buildSchema(printSdl(schema)))).toEqual([]);
  });

  it('documents every type, field, argument, input field and enum value', () => {
    expect(undocumented(schema)).toEqual([]);
  });

  it('is told when documentation is missing', () => {
    const bare = buildSchema(`
      "Asked." type Query { "Told." a(b: Int): E  c: Int }
      "Kinds." enum E { "One." X  Y }
      "In." input I { d: Int }
      scalar S
    `);
    expect(undocumented(bare)).toEqual(['E.Y', 'I.d', 'Query.a(b:)', 'Query.c', 'S']);
  });

  it('names every provider of the registry, and has its slug inside', () => {
    expect(providerValues(schema)).toEqual({
      FRACTAL_ID: 'fractal-id',
      SUMSUB: 'sumsub',
      PAYCADDY: 'paycaddy',
      P100: 'p100',
    });
  });

  it('gains a value with a new adapter, in a process that has made another schema before', () => {
    const newcomer = { id: 'new-co', enumName: 'NEW_CO', displayName: 'New Co' };
    const grown = createSchema([...PROVIDERS, newcomer]);
    expect(providerValues(grown)).toHaveProperty('NEW_CO', 'new-co');
    expect(providerValues(schema)).not.toHaveProperty('NEW_CO');
    expect(printSdl(createSchema(PROVIDERS))).toBe(printSdl(schema));
  });

  it('prints the same text whatever the order of its types', () => {
    expect(printSdl(createSchema([...PROVIDERS].reverse()))).toBe(printSdl(schema));
  });

  it('publishes nothing of a row that no field stands for', () => {
    const fields = fieldsOf(schema);
    expect(fields).toEqual(expect.arrayContaining(['User.id', 'Level.key']));
    const hidden =
      /^User\.key$|\.(userId|identityId|levelKey|attemptId|latestAttemptId|deliveryId|doer|subjectRef)$/;
    expect(fields.filter((field) => hidden.test(field))).toEqual([]);
  });

  it('changes nothing but by these mutations', () => {
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
    'makes %s a Node',
    (name) => {
      const type = schema.getType(name);
      expect(isObjectType(type) && type.getInterfaces().map((one) => one.name)).toEqual(['Node']);
    },
  );

  it('answers introspection', () => {
    const { data, errors } = graphqlSync({ schema, source: '{ __schema { types { name } } }' });
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data)).toContain('"VerificationAttemptConnection"');
  });
});

function providerValues(schema: GraphQLSchema): Record<string, unknown> {
  const type = schema.getType('Provider');
  if (!isEnumType(type)) throw new Error('expected Provider to be an enum');
  return Object.fromEntries(type.getValues().map(({ name, value }) => [name, value]));
}

function ownTypes(schema: GraphQLSchema): readonly GraphQLNamedType[] {
  return Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
}

function fieldsOf(schema: GraphQLSchema): readonly string[] {
  return ownTypes(schema).flatMap((type) =>
    isObjectType(type) || isInterfaceType(type)
      ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)
      : [],
  );
}

function undocumented(schema: GraphQLSchema): readonly string[] {
  return ownTypes(schema)
    .flatMap((type) => partsOf(type))
    .filter(([, description]) => !description?.trim())
    .map(([name]) => name)
    .sort();
}

type Part = readonly [name: string, description: string | null | undefined];

function partsOf(type: GraphQLNamedType): readonly Part[] {
  const self: Part = [type.name, type.description];
  if (isEnumType(type)) {
    return [
      self,
      ...type.getValues().map((value): Part => [`${type.name}.${value.name}`, value.description]),
    ];
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    return [
      self,
      ...fields.map((field): Part => [`${type.name}.${field.name}`, field.description]),
    ];
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return [self];
  return [
    self,
    ...Object.values(type.getFields()).flatMap((field): Part[] => [
      [`${type.name}.${field.name}`, field.description],
      ...field.args.map(
        (arg): Part => [`${type.name}.${field.name}(${arg.name}:)`, arg.description],
      ),
    ]),
  ];
}
