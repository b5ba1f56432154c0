/** The enum `Provider`, with one value per provider of the registry. A new adapter adds its own value. */

import { GraphQLEnumType, type GraphQLScalarType } from 'graphql';
import type { ProviderId } from '../../domain/level';

/** Names of a provider that the schema needs. */
export interface ProviderListing {
  /** Slug in webhook URLs and rows, for example `fractal-id`. Internal value of the enum. */
  readonly id: ProviderId;
  /** Enum value in GraphQL, for example `FRACTAL_ID`. */
  readonly enumName: string;
  /** Display name of the provider. */
  readonly displayName: string;
}

/** Placeholder for the enum in decorators, because its values depend on the schema options. Never instantiated. */
export abstract class ProviderEnum {}

/** Maps `ProviderEnum` to the enum of one schema, for type-graphql's `scalarsMap`. */
export function providerMapping(providers: readonly ProviderListing[]): {
  readonly type: typeof ProviderEnum;
  readonly scalar: GraphQLScalarType;
} {
  const values = providers.map(({ id, enumName, displayName }) => [
    enumName,
    { value: id, description: `${displayName}, which sends webhooks to \`/webhooks/${id}\`.` },
  ]);
  const provider: unknown = new GraphQLEnumType({
    name: 'Provider',
    description: 'A company that verifies people and sends webhooks to this gateway.',
    values: Object.fromEntries(values),
  });
  // `scalarsMap` is typed for scalars but accepts any leaf type: type-graphql adds it to the schema unchanged. The schema
  // test checks this.
  return { type: ProviderEnum, scalar: provider as GraphQLScalarType };
}
