/**
 * Messages about values that a client sent, the same for literals and variables. They name the type and what it allows,
 * which the schema publishes, and never the value: it may be personal data.
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
 * @param place - Argument or variable with the path inside it, e.g. `$filter.createdFrom`.
 * @param type - Expected there.
 * @param reason - Message of the GraphQL library, of which only the part about names of the schema is kept.
 */
export function invalidValueMessage(place: string, type: GraphQLInputType, reason: string): string {
  const field = FIELD_ERROR.exec(reason)?.[0];
  if (field !== undefined) {
    const bare = field.replace(/^Field "\w+\./, 'Field "');
    return `\`${place}\` is not a valid ${getNamedType(type)}. ${bare}`;
  }
  if (NULL_ERROR.test(reason)) return `\`${place}\` (${type}) must not be null.`;
  const suggestion = SUGGESTION.exec(reason)?.[0] ?? '';
  return `\`${place}\` (${type}) must be ${describeType(getNamedType(type))}.${suggestion}`;
}

function describeType(type: GraphQLNamedInputType): string {
  if (isEnumType(type)) {
    const words = type.getValues().map(({ name }) => name);
    return `one of ${words.join(', ')}`;
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

/** At the end of a message, behind any value that it quotes. */
const FIELD_ERROR = new RegExp(
  `(?:${[
    'Field "(?:\\w+\\.)?\\w+" of required type "[\\w![\\]]+" was not provided\\.',
    'Field "\\w+" is not defined by type "\\w+"\\.(?: Did you mean (?:"\\w+"|, | or )+\\?)?',
  ].join('|')})$`,
);
const NULL_ERROR = /^Expected non-nullable type |, found null\.$/;
const SUGGESTION = / Did you mean the enum value (?:"\w+"|, | or )+\?$/;
