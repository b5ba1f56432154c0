/** A provider that the gateway supports. */

import { Field, ObjectType } from 'type-graphql';
import type { ProviderId } from '../../domain/level';
import { ProviderEnum, type ProviderListing } from '../enums/provider.enum';

@ObjectType({ description: 'A provider that the gateway supports.' })
export class ProviderInfo {
  @Field(() => ProviderEnum, { description: 'The provider.' })
  readonly provider: ProviderId;

  @Field(() => String, { description: 'Display name of the provider.' })
  readonly name: string;

  @Field(() => String, {
    description: 'Path for webhooks of the provider, for example `/webhooks/sumsub`.',
  })
  readonly webhookPath: string;

  @Field(() => Boolean, {
    description:
      'Whether a webhook secret is configured. If false, the gateway rejects webhooks of the provider.',
  })
  readonly configured: boolean;

  constructor(listing: ProviderListing, configured: boolean) {
    this.provider = listing.id;
    this.name = listing.displayName;
    this.webhookPath = `/webhooks/${listing.id}`;
    this.configured = configured;
  }
}
