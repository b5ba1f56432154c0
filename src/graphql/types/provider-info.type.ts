/** A vendor that this gateway knows. */

import { Field, ObjectType } from 'type-graphql';
import type { ProviderId } from '../../domain/level';
import { ProviderEnum, type ProviderListing } from '../enums/provider.enum';

@ObjectType({ description: 'A vendor that this gateway knows.' })
export class ProviderInfo {
  @Field(() => ProviderEnum, { description: 'The vendor.' })
  readonly provider: ProviderId;

  @Field(() => String, { description: "The vendor's name, for people." })
  readonly name: string;

  @Field(() => String, { description: 'Path to which the vendor posts, e.g. `/webhooks/sumsub`.' })
  readonly webhookPath: string;

  @Field(() => Boolean, {
    description:
      'Whether a secret is configured: without one, webhooks of the vendor are turned away.',
  })
  readonly configured: boolean;

  constructor(listing: ProviderListing, configured: boolean) {
    this.provider = listing.id;
    this.name = listing.displayName;
    this.webhookPath = `/webhooks/${listing.id}`;
    this.configured = configured;
  }
}
