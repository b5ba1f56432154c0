/** Filter of deliveries. */

import { ArgsType, Field, ID, InputType } from 'type-graphql';
import type { ProviderId } from '../../domain/level';
import type { Disposition } from '../../domain/status';
import type { DeliveryFilter as StoreFilter } from '../../store/read/filters';
import { ProviderEnum } from '../enums/provider.enum';
import { DispositionEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';
import { omitNullish } from '../relay/omit-nullish';
import { PageArgs } from '../relay/page';
import type { Context } from '../request/context';
import { selectUsers } from './user-selection';

@InputType({ description: 'Conditions on deliveries. All of them must match.' })
export class DeliveryFilter {
  @Field(() => ProviderEnum, { nullable: true, description: 'Only deliveries of this provider.' })
  readonly provider?: ProviderId | null;

  @Field(() => [DispositionEnum], {
    nullable: true,
    description: 'Only deliveries with one of these dispositions.',
  })
  readonly disposition?: readonly Disposition[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'Only deliveries of this event type, as the provider spells it.',
  })
  readonly eventType?: string | null;

  @Field(() => [ID], { nullable: true, description: 'Only deliveries about one of these users.' })
  readonly userIds?: readonly string[] | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only deliveries received at or after this time.',
  })
  readonly receivedFrom?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only deliveries received before this time.',
  })
  readonly receivedBefore?: Date | null;
}

@ArgsType()
export class DeliveriesArgs extends PageArgs {
  @Field(() => DeliveryFilter, {
    nullable: true,
    description: 'Conditions on the deliveries. Default: all deliveries.',
  })
  readonly filter?: DeliveryFilter | null;
}

/** Converts the filter for the store. */
export async function toDeliveryFilter(
  context: Context,
  filter: DeliveryFilter | null | undefined,
): Promise<StoreFilter> {
  const { userIds, ...rest } = filter ?? {};
  return omitNullish({ ...rest, userIds: await selectUsers(context, { ids: userIds ?? null }) });
}
