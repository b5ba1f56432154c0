/**
 * Messages about invalid values, the same for literals and variables. They contain the type and its allowed values, which
 * the schema publishes, and never the received value, which may be personal data.
 */

import {
  type GraphQLInputType,
  type GraphQLNamedInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
} from 'graphql';
import { DATE_TIME_FORM } from '../relay/date-time.scalar';

/**
 * Returns the message for a value that does not match its type.
 *
 * @param path - Argument or variable with the path of the value, for example `$filter.createdFrom`.
 * @param type - Expected type.
 * @param reason - Message of the GraphQL library. Only its part about schema names is used.
 */
export function invalidValueMessage(path: string, type: GraphQLInputType, reason: string): string {
  const field = FIELD_ERROR.exec(reason)?.[0];
  if (field !== undefined) {
    const bare = field.replace(/^Field "\w+\./, 'Field "');
    return `\`${path}\` is not a valid ${getNamedType(type)}. ${bare}`;
  }
  if (NULL_ERROR.test(reason)) return `\`${path}\` (${type}) must not be null.`;
  const suggestion = SUGGESTION.exec(reason)?.[0] ?? '';
  return `\`${path}\` (${type}) must be ${describeType(getNamedType(type))}.${suggestion}`;
}

function describeType(type: GraphQLNamedInputType): string {
  if (isEnumType(type)) {
    const names = type.getValues().map(({ name }) => name);
    return `one of ${names.join(', ')}`;
  }
  if (isInputObjectType(type)) return `an object of type ${type.name}`;
  return SCALARS[type.name] ?? `a value of type ${type.name}`;
}

const SCALARS: Readonly<Record<string, string>> = {
  Boolean: 'true or false',
  DateTime: DATE_TIME_FORM,
  Float: 'a number',
  ID: 'a string',
  Int: 'a whole number of at most 32 bits',
  String: 'a string',
};

/** Matches at the end of a message, after any quoted value. */
const FIELD_ERROR = new RegExp(
  `(?:${[
    'Field "(?:\\w+\\.)?\\w+" of required type "[\\w![\\]]+" was not provided\\.',
    'Field "\\w+" is not defined by type "\\w+"\\.(?: Did you mean (?:"\\w+"|, | or )+\\?)?',
  ].join('|')})$`,
);
const NULL_ERROR = /^Expected non-nullable type |, found null\.$/;
const SUGGESTION = / Did you mean the enum value (?:"\w+"|, | or )+\?$/;
