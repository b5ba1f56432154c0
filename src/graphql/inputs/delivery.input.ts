/** How deliveries are chosen. */

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

@InputType({ description: 'Which deliveries; all given conditions hold.' })
export class DeliveryFilter {
  @Field(() => ProviderEnum, { nullable: true, description: 'Of this vendor.' })
  readonly provider?: ProviderId | null;

  @Field(() => [DispositionEnum], { nullable: true, description: 'Of which one of these became.' })
  readonly disposition?: readonly Disposition[] | null;

  @Field(() => String, {
    nullable: true,
    description: "Of this kind, by the vendor's name for it.",
  })
  readonly eventType?: string | null;

  @Field(() => [ID], { nullable: true, description: 'About one of these users.' })
  readonly userIds?: readonly string[] | null;

  @Field(() => DateTime, { nullable: true, description: 'Received at this moment or later.' })
  readonly receivedFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Received before this moment.' })
  readonly receivedBefore?: Date | null;
}

@ArgsType()
export class DeliveriesArgs extends PageArgs {
  @Field(() => DeliveryFilter, {
    nullable: true,
    description: 'Which deliveries; without it, all.',
  })
  readonly filter?: DeliveryFilter | null;
}

/** The filter as the store understands it. */
export async function toDeliveryFilter(
  context: Context,
  filter: DeliveryFilter | null | undefined,
): Promise<StoreFilter> {
  const { userIds, ...rest } = filter ?? {};
  return omitNullish({ ...rest, userIds: await selectUsers(context, { ids: userIds ?? null }) });
}
