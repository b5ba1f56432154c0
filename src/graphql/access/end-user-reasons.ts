/**
 * Hides a provider's suspicions from end users. Applies to the whole schema: to every field that returns reasons, and to
 * the provider's own status.
 */

import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
} from 'graphql';
import { isShownToEndUsers } from '../../domain/end-user-reasons';
import type { Reason } from '../../domain/event';
import type { Context } from '../request/context';

type Field = GraphQLField<unknown, Context>;

/** Wraps the resolvers of all fields that return reasons or a provider's status. */
export function restrictReasons(schema: GraphQLSchema): void {
  for (const { type, field } of listFields(schema)) {
    if (getNamedType(field.type).name === 'RejectionReason') {
      wrap(field, (reasons) => (reasons as readonly Reason[]).filter(isShownToEndUsers));
    }
    // A provider's status can contain its labels. The field is not nullable, so end users receive `status` instead.
    if (type.name === 'VerificationAttempt' && field.name === 'providerStatus') {
      wrap(field, (_, attempt) => (attempt as { readonly status: string }).status);
    }
  }
}

function wrap(field: Field, restrict: (value: unknown, source: unknown) => unknown): void {
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (source, args, context, info) => {
    const value = resolve(source, args, context, info);
    return context.visibility.canSeeAllReasons ? value : restrict(value, source);
  };
}

function listFields(
  schema: GraphQLSchema,
): readonly { readonly type: GraphQLObjectType; readonly field: Field }[] {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })));
}
