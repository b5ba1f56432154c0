/** The vendors. */

import { Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { DateTime } from '../relay/date-time.scalar';
import type { Context } from '../request/context';
import { OpenAttempts } from '../types/open-attempts.type';
import { ProviderInfo } from '../types/provider-info.type';

@Resolver(() => ProviderInfo)
export class ProviderInfoResolver {
  @Query(() => [ProviderInfo], {
    description: 'Every vendor that this gateway knows. Not open to end users.',
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
      'When it last sent something new. Repeats do not count, nor what it was asked for.',
  })
  async lastDeliveryAt(@Root() info: ProviderInfo, @Ctx() context: Context): Promise<Date | null> {
    return (await context.loaders.silence.load(info.provider)).lastDeliveryAt;
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description:
      'Since when it has said nothing, if that is unusual for it at this time of the day and the week. Else null.',
  })
  async silentSince(@Root() info: ProviderInfo, @Ctx() context: Context): Promise<Date | null> {
    if (!info.configured) return null;
    return (await context.loaders.silence.load(info.provider)).silentSince;
  }

  @FieldResolver(() => [OpenAttempts], {
    description: 'Attempts that are open, by status; as counted a few minutes ago at most.',
  })
  async openAttempts(
    @Root() { provider }: ProviderInfo,
    @Ctx() context: Context,
  ): Promise<readonly OpenAttempts[]> {
    const census = await context.openAttempts();
    return census.filter((row) => row.provider === provider).map((row) => new OpenAttempts(row));
  }
}
