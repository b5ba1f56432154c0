/** The list of providers and their monitoring data. */

import { Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { DateTime } from '../relay/date-time.scalar';
import type { Context } from '../request/context';
import { OpenAttempts } from '../types/open-attempts.type';
import { ProviderInfo } from '../types/provider-info.type';

@Resolver(() => ProviderInfo)
export class ProviderInfoResolver {
  @Query(() => [ProviderInfo], {
    description: 'All providers that the gateway supports. Not available to end users.',
  })
  providers(@Ctx() context: Context): readonly ProviderInfo[] {
    context.visibility.assertCanReadOperations();
    return context.providers.map(
      (listing) => new ProviderInfo(listing, context.configured.has(listing.id)),
    );
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description:
      'Time of the last new delivery, without duplicates and responses to status checks. Null if no delivery arrived yet.',
  })
  async lastDeliveryAt(@Root() info: ProviderInfo, @Ctx() context: Context): Promise<Date | null> {
    return (await context.loaders.silence.load(info.provider)).lastDeliveryAt;
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description:
      'Time since which the provider has sent nothing, if the silence is unusual for the time of day and the day of the week. Null otherwise.',
  })
  async silentSince(@Root() info: ProviderInfo, @Ctx() context: Context): Promise<Date | null> {
    if (!info.configured) return null;
    return (await context.loaders.silence.load(info.provider)).silentSince;
  }

  @FieldResolver(() => [OpenAttempts], {
    description: 'Open attempts by status. The counts may be a few minutes old.',
  })
  async openAttempts(
    @Root() { provider }: ProviderInfo,
    @Ctx() context: Context,
  ): Promise<readonly OpenAttempts[]> {
    const counts = await context.openAttempts();
    return counts.filter((row) => row.provider === provider).map((row) => new OpenAttempts(row));
  }
}
