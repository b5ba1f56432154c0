/**
 * The directive `@personal`, set with `@Personal()` at a field. It determines which fields require the `pii:read` scope,
 * which names the log redacts, and which values must be encrypted on disk (`test/e2e/at-rest.test.ts`).
 */

import {
  DirectiveLocation,
  defaultFieldResolver,
  GraphQLDirective,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getDirectiveValues,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { Directive } from 'type-graphql';
import type { Context } from './context';

export const PERSONAL_DIRECTIVE = new GraphQLDirective({
  name: 'personal',
  description:
    'Personal data. Reading it requires the `pii:read` scope. It is encrypted at rest and never logged.',
  locations: [DirectiveLocation.FIELD_DEFINITION],
});

/** Marks a field of a type or a resolver as personal data. */
export function Personal(): PropertyDecorator & MethodDecorator {
  return Directive(`@${PERSONAL_DIRECTIVE.name}`);
}

type Field = GraphQLField<unknown, Context>;

export function isPersonalField({ astNode }: Pick<Field, 'astNode'>): boolean {
  return astNode != null && getDirectiveValues(PERSONAL_DIRECTIVE, astNode) !== undefined;
}

export interface PersonalField {
  readonly type: GraphQLObjectType | GraphQLInterfaceType;
  readonly field: Field;
}

export function findPersonalFields(schema: GraphQLSchema): readonly PersonalField[] {
  return Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) || isInterfaceType(type)
      ? Object.values(type.getFields())
          .filter(isPersonalField)
          .map((field) => ({ type, field }))
      : [],
  );
}

/** Returns the field names whose values the log redacts. */
export function findPersonalFieldNames(schema: GraphQLSchema): ReadonlySet<string> {
  return new Set(findPersonalFields(schema).map(({ field }) => field.name));
}

/** Wraps the resolvers of all marked fields with a check of the `pii:read` scope. */
export function guardPersonalFields(schema: GraphQLSchema): void {
  for (const { field } of findPersonalFields(schema)) {
    const resolve = field.resolve ?? defaultFieldResolver;
    field.resolve = (source, args, context, info) => {
      context.visibility.assertCanReadPersonalData();
      return resolve(source, args, context, info);
    };
  }
}
