/** `GRAPHQL_…`: what a document may ask for. */

import type { EnvironmentReader } from './environment';
import { BOOLEAN, wholeNumber } from './parsers';

export interface GraphQLConfig {
  /** Whether clients may ask for the schema, and are told the names near to one that they have misspelt. */
  readonly introspection: boolean;
  readonly limits: {
    readonly tokens: number;
    readonly depth: number;
    readonly rootFields: number;
    readonly fields: number;
    readonly aliases: number;
    readonly directives: number;
    readonly fragments: number;
    readonly cost: number;
  };
}

/** Documents of more take seconds to check. */
const TOKENS = wholeNumber(1, 10_000);
const DEPTH = wholeNumber(1, 100);
const COST = wholeNumber(1, 999_999_999);

/** Room for what people write by hand and for introspection, with a good margin. */
export const DEFAULT_DOCUMENT_LIMITS: GraphQLConfig['limits'] = {
  tokens: 1_200, // what is nested so deep can be read with the stack that there is
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
  const usual = DEFAULT_DOCUMENT_LIMITS;
  return {
    introspection: reader.read('GRAPHQL_INTROSPECTION', BOOLEAN, mode === 'development'),
    limits: {
      tokens: reader.read('GRAPHQL_MAX_TOKENS', TOKENS, usual.tokens),
      depth: reader.read('GRAPHQL_MAX_DEPTH', DEPTH, usual.depth),
      rootFields: reader.read('GRAPHQL_MAX_ROOT_FIELDS', TOKENS, usual.rootFields),
      fields: reader.read('GRAPHQL_MAX_FIELDS', TOKENS, usual.fields),
      aliases: reader.read('GRAPHQL_MAX_ALIASES', TOKENS, usual.aliases),
      directives: reader.read('GRAPHQL_MAX_DIRECTIVES', TOKENS, usual.directives),
      fragments: reader.read('GRAPHQL_MAX_FRAGMENTS', TOKENS, usual.fragments),
      cost: reader.read('GRAPHQL_MAX_COST', COST, usual.cost),
    },
  };
}
