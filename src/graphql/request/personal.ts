/**
 * Personal data is marked once, at the field: `@Personal()`. From the mark follow the scope that it takes to read the field,
 * the names that the log hides, and the proof that nothing of it lies on the disk in plain (`test/e2e/at-rest.test.ts`).
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
    'Personal data: reading it needs the scope `pii:read`, it is encrypted at rest, and no log holds it.',
  locations: [DirectiveLocation.FIELD_DEFINITION],
});

/** Marks a field, of a type or a resolver, as personal data. */
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

/** For the log: under these names it writes no value. */
export function findPersonalFieldNames(schema: GraphQLSchema): ReadonlySet<string> {
  return new Set(findPersonalFields(schema).map(({ field }) => field.name));
}

/** From here on, resolvers of marked fields run for those alone who may read personal data. */
export function guardPersonalFields(schema: GraphQLSchema): void {
  for (const { field } of findPersonalFields(schema)) {
    const resolve = field.resolve ?? defaultFieldResolver;
    field.resolve = (source, args, context, info) => {
      context.visibility.assertCanReadPersonalData();
      return resolve(source, args, context, info);
    };
  }
}
