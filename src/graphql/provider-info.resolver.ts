/** The vendors. */

import { Ctx, Query, Resolver } from 'type-graphql';
import type { Context } from './context';
import { ProviderInfo } from './provider-info.type';

@Resolver()
export class ProviderInfoResolver {
  @Query(() => [ProviderInfo], {
    description: 'Every vendor that this gateway knows. Not open to end users.',
  })
  providers(@Ctx() context: Context): readonly ProviderInfo[] {
    context.visibility.assertReadsOperations();
    return context.providers.map(
      (listing) => new ProviderInfo(listing, context.configured.has(listing.id)),
    );
  }
}
