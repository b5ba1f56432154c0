/** `GRAPHQL_…`: introspection and document limits. */

import type { DocumentLimits } from '../graphql/documents/limits';
import type { EnvironmentReader } from './environment';
import { BOOLEAN, wholeNumber } from './parsers';

export interface GraphQLConfig {
  /** Whether clients can query the schema and receive suggestions for misspelled names. */
  readonly introspection: boolean;
  readonly limits: DocumentLimits;
}

/** Larger documents take seconds to validate. */
const TOKENS = wholeNumber(1, 10_000);
const DEPTH = wholeNumber(1, 100);
const COST = wholeNumber(1, 999_999_999);

/** Allows handwritten documents and introspection, with a margin. */
export const DEFAULT_DOCUMENT_LIMITS: DocumentLimits = {
  tokens: 1_200, // the parser's recursion fits into the default stack
  depth: 16,
  rootFields: 20,
  fields: 500,
  aliases: 50,
  directives: 50,
  fragments: 50,
  cost: 50_000,
};

export function readGraphQL(
  reader: EnvironmentReader,
  mode: 'development' | 'production',
): GraphQLConfig {
  const defaults = DEFAULT_DOCUMENT_LIMITS;
  return {
    introspection: reader.read('GRAPHQL_INTROSPECTION', BOOLEAN, mode === 'development'),
    limits: {
      tokens: reader.read('GRAPHQL_MAX_TOKENS', TOKENS, defaults.tokens),
      depth: reader.read('GRAPHQL_MAX_DEPTH', DEPTH, defaults.depth),
      rootFields: reader.read('GRAPHQL_MAX_ROOT_FIELDS', TOKENS, defaults.rootFields),
      fields: reader.read('GRAPHQL_MAX_FIELDS', TOKENS, defaults.fields),
      aliases: reader.read('GRAPHQL_MAX_ALIASES', TOKENS, defaults.aliases),
      directives: reader.read('GRAPHQL_MAX_DIRECTIVES', TOKENS, defaults.directives),
      fragments: reader.read('GRAPHQL_MAX_FRAGMENTS', TOKENS, defaults.fragments),
      cost: reader.read('GRAPHQL_MAX_COST', COST, defaults.cost),
    },
  };
}
