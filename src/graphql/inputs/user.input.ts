/** How users are chosen and put in order. */

import { ArgsType, Field, ID, InputType } from 'type-graphql';
import type { LevelKey, ProviderId, SubjectKind } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import type { UserFilter as StoreFilter, UserOrder as StoreOrder } from '../../store/read/filters';
import { literalEnum } from '../enums/literal-enum';
import { ProviderEnum, type ProviderListing } from '../enums/provider.enum';
import { OrderDirectionEnum, SubjectKindEnum, VerificationStatusEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';
import { toLevelKey } from '../relay/level-key';
import { omitNullish } from '../relay/omit-nullish';
import { PageArgs } from '../relay/page';
import type { Context } from '../request/context';
import { selectUsers } from './user-selection';

@InputType({ description: "A user's account at a provider." })
export class IdentityInput {
  @Field(() => ProviderEnum, { description: 'The vendor.' })
  readonly provider!: ProviderId;

  @Field(() => String, { description: "The vendor's id of the user." })
  readonly ref!: string;
}

@InputType({ description: 'Which users; all given conditions hold.' })
export class UserFilter {
  @Field(() => [ID], {
    nullable: true,
    description: 'One of these. An id that was merged into another user stands for that one.',
  })
  readonly ids?: readonly string[] | null;

  @Field(() => String, { nullable: true, description: "Our customer's id of the user." })
  readonly externalUserId?: string | null;

  @Field(() => [VerificationStatusEnum], {
    nullable: true,
    description: 'Whose verification status is one of these.',
  })
  readonly verificationStatus?: readonly VerificationStatus[] | null;

  @Field(() => ProviderEnum, { nullable: true, description: 'Who have an account there.' })
  readonly provider?: ProviderId | null;

  @Field(() => String, {
    nullable: true,
    description: 'Who were seen at this level: `provider/name`, or a name beside `provider`.',
  })
  readonly level?: LevelKey | null;

  @Field(() => SubjectKindEnum, { nullable: true, description: 'Only persons, or only companies.' })
  readonly kind?: SubjectKind | null;

  @Field(() => Boolean, { nullable: true, description: 'Whose accounts are in use, or are not.' })
  readonly active?: boolean | null;

  @Field(() => DateTime, { nullable: true, description: 'First heard of at this moment or later.' })
  readonly createdFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'First heard of before this moment.' })
  readonly createdBefore?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Last changed at this moment or later.' })
  readonly updatedFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Last changed before this moment.' })
  readonly updatedBefore?: Date | null;
}

const UserOrderFieldEnum = literalEnum<StoreOrder['field']>(
  'UserOrderField',
  'What users are put in order by.',
  {
    CREATED_AT: 'When the gateway first heard of the user.',
    UPDATED_AT: 'When anything about the user last changed.',
  },
);

@InputType({ description: 'The order of users.' })
export class UserOrder {
  @Field(() => UserOrderFieldEnum, { description: 'What decides.' })
  readonly field!: StoreOrder['field'];

  @Field(() => OrderDirectionEnum, { description: 'Which end comes first.' })
  readonly direction!: StoreOrder['direction'];
}

@ArgsType()
export class UsersArgs extends PageArgs {
  @Field(() => UserFilter, { nullable: true, description: 'Which users; without it, all.' })
  readonly filter?: UserFilter | null;

  @Field(() => UserOrder, { nullable: true, description: 'Their order; without it, newest first.' })
  readonly orderBy?: UserOrder | null;
}

/** The conditions as the store understands them, but for those that name users. */
export function toUserConditions(
  providers: readonly ProviderListing[],
  filter: UserFilter | null | undefined,
): StoreFilter {
  const { ids: _, externalUserId: __, level, ...rest } = filter ?? {};
  return omitNullish({ ...rest, levelKey: toLevelKey(level, rest.provider, providers) });
}

/** The filter as the store understands it, narrowed to what the viewer may see. */
export async function toUserFilter(
  context: Context,
  filter: UserFilter | null | undefined,
): Promise<StoreFilter> {
  const selection = { ids: filter?.ids ?? null, externalUserId: filter?.externalUserId ?? null };
  const users = await selectUsers(context, selection);
  return { ...toUserConditions(context.providers, filter), ...omitNullish({ ids: users }) };
}

export function toUserOrder(order: UserOrder | null | undefined): StoreOrder {
  return { field: order?.field ?? 'CREATED_AT', direction: order?.direction ?? 'DESC' };
}
