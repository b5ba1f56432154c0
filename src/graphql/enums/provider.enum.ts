/** The enum `Provider`: one value per vendor of the registry, so that a new adapter adds its own. */

import { GraphQLEnumType, type GraphQLScalarType } from 'graphql';
import type { ProviderId } from '../../domain/level';

/** What the schema has to know of a vendor. */
export interface ProviderListing {
  /** Slug in the webhook URL and in rows, e.g. `fractal-id`: the value of the enum inside the gateway. */
  readonly id: ProviderId;
  /** The value as clients write it, e.g. `FRACTAL_ID`. */
  readonly enumName: string;
  /** The vendor's name, for people. */
  readonly displayName: string;
}

/** Stands for the enum in decorators: its values are known only when a schema is built. Never instantiated. */
export abstract class ProviderEnum {}

/** Tells type-graphql what `ProviderEnum` stands for in one schema. */
export function providerMapping(providers: readonly ProviderListing[]): {
  readonly type: typeof ProviderEnum;
  readonly scalar: GraphQLScalarType;
} {
  const values = providers.map(({ id, enumName, displayName }) => [
    enumName,
    { value: id, description: `${displayName}, posting to \`/webhooks/${id}\`.` },
  ]);
  const provider: unknown = new GraphQLEnumType({
    name: 'Provider',
    description: 'A vendor that verifies people and posts webhooks to this gateway.',
    values: Object.fromEntries(values),
  });
  // type-graphql asks for a scalar, yet takes any leaf type: it puts the type into the schema as it is. The schema test
  // sees to it that this stays so.
  return { type: ProviderEnum, scalar: provider as GraphQLScalarType };
}
