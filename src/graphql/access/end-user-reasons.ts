/**
 * Withholds from end users what a provider suspects of them. Applied to the whole schema: to every field that gives
 * reasons, wherever it is, and to the provider's own word for a status.
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

export function restrictReasons(schema: GraphQLSchema): void {
  for (const { type, field } of listFields(schema)) {
    if (getNamedType(field.type).name === 'RejectionReason') {
      wrap(field, (reasons) => (reasons as readonly Reason[]).filter(isShownToEndUsers));
    }
    // A provider's word can hold its labels. The field is not nullable, so end users read the status again.
    if (type.name === 'VerificationAttempt' && field.name === 'providerStatus') {
      wrap(field, (_, attempt) => (attempt as { readonly status: string }).status);
    }
  }
}

function wrap(field: Field, limit: (value: unknown, source: unknown) => unknown): void {
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (source, args, context, info) => {
    const value = resolve(source, args, context, info);
    return context.visibility.canSeeAllReasons ? value : limit(value, source);
  };
}

function listFields(
  schema: GraphQLSchema,
): readonly { readonly type: GraphQLObjectType; readonly field: Field }[] {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })));
}
