/** The scalar `DateTime`: RFC 3339 in, ISO 8601 in UTC with milliseconds out. */

import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { GraphQLDateTimeISO } from 'graphql-scalars';

export const DATE_TIME_FORM = 'a date and time with an offset, such as 2024-05-01T12:30:00Z';

const ISO = GraphQLDateTimeISO.toConfig();

export const DateTime = new GraphQLScalarType({
  ...ISO,
  name: 'DateTime',
  description:
    'A moment, written as RFC 3339 has it. Answers are in UTC with milliseconds, `2024-05-01T12:30:00.000Z`; ' +
    'arguments may have any offset.',
  parseValue: (value) => parse(value),
  parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : null, node),
});

/** Years have four digits also in UTC: timestamps are compared as text. */
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
