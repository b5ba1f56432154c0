/** The scalar `DateTime`: RFC 3339 in, ISO 8601 in UTC with milliseconds out. */

import { GraphQLScalarType } from 'graphql';
import { GraphQLDateTimeISO } from 'graphql-scalars';

export const DateTime = new GraphQLScalarType({
  ...GraphQLDateTimeISO.toConfig(),
  name: 'DateTime',
  description:
    'A moment, written as RFC 3339 has it. Answers are in UTC with milliseconds, `2024-05-01T12:30:00.000Z`; ' +
    'arguments may have any offset.',
});
