/** The scalar `DateTime`. Input: RFC 3339 with any offset. Output: ISO 8601 in UTC, with milliseconds. */

import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { GraphQLDateTimeISO } from 'graphql-scalars';

export const DATE_TIME_FORM = 'a date and time with an offset, such as 2024-05-01T12:30:00Z';

const ISO = GraphQLDateTimeISO.toConfig();

export const DateTime = new GraphQLScalarType({
  ...ISO,
  name: 'DateTime',
  description:
    'A timestamp in RFC 3339 format. Responses are in UTC with milliseconds, for example ' +
    '`2024-05-01T12:30:00.000Z`. Arguments may have any offset.',
  parseValue: (value) => parse(value),
  parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : null, node),
});

/** Rejects years that do not have four digits in UTC, because timestamps are compared as text. */
function parse(value: unknown, node?: ValueNode): Date {
  const date = typeof value === 'string' ? readIso(value) : null;
  const year = date?.getUTCFullYear() ?? -1;
  if (date === null || year < 0 || year > 9999) {
    throw new GraphQLError(`DateTime must be ${DATE_TIME_FORM}.`, node ? { nodes: node } : {});
  }
  return date;
}

function readIso(text: string): Date | null {
  try {
    return ISO.parseValue(text);
  } catch {
    return null;
  }
}
