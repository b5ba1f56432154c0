/** Filter and order of users. */

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
  @Field(() => ProviderEnum, { description: 'The provider.' })
  readonly provider!: ProviderId;

  @Field(() => String, { description: "The provider's ID of the user." })
  readonly ref!: string;
}

@InputType({ description: 'Conditions on users. All of them must match.' })
export class UserFilter {
  @Field(() => [ID], {
    nullable: true,
    description:
      'Only users with one of these IDs. The ID of a merged user selects the merge target.',
  })
  readonly ids?: readonly string[] | null;

  @Field(() => String, { nullable: true, description: 'Only the user with this `externalUserId`.' })
  readonly externalUserId?: string | null;

  @Field(() => [VerificationStatusEnum], {
    nullable: true,
    description: 'Only users with one of these verification statuses.',
  })
  readonly verificationStatus?: readonly VerificationStatus[] | null;

  @Field(() => ProviderEnum, {
    nullable: true,
    description: 'Only users with an identity at this provider.',
  })
  readonly provider?: ProviderId | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Only users with an attempt at this level: `provider/name`, or only the level name, if you also set `provider`.',
  })
  readonly level?: LevelKey | null;

  @Field(() => SubjectKindEnum, { nullable: true, description: 'Only users of this kind.' })
  readonly kind?: SubjectKind | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Only users that are active (true), or only others (false).',
  })
  readonly active?: boolean | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only users created at or after this time.',
  })
  readonly createdFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Only users created before this time.' })
  readonly createdBefore?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only users last changed at or after this time.',
  })
  readonly updatedFrom?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only users last changed before this time.',
  })
  readonly updatedBefore?: Date | null;
}

const UserOrderFieldEnum = literalEnum<StoreOrder['field']>(
  'UserOrderField',
  'Sort key of users.',
  {
    CREATED_AT: 'Time at which the gateway created the user.',
    UPDATED_AT: 'Last change of the user.',
  },
);

@InputType({ description: 'Order of users.' })
export class UserOrder {
  @Field(() => UserOrderFieldEnum, { description: 'Sort key.' })
  readonly field!: StoreOrder['field'];

  @Field(() => OrderDirectionEnum, { description: 'Sort direction.' })
  readonly direction!: StoreOrder['direction'];
}

@ArgsType()
export class UsersArgs extends PageArgs {
  @Field(() => UserFilter, {
    nullable: true,
    description: 'Conditions on the users. Default: all users.',
  })
  readonly filter?: UserFilter | null;

  @Field(() => UserOrder, {
    nullable: true,
    description: 'Order of the users. Default: newest first.',
  })
  readonly orderBy?: UserOrder | null;
}

/** Converts the filter for the store, except the conditions on users. */
export function toUserConditions(
  providers: readonly ProviderListing[],
  filter: UserFilter | null | undefined,
): StoreFilter {
  const { ids: _, externalUserId: __, level, ...rest } = filter ?? {};
  return omitNullish({ ...rest, levelKey: toLevelKey(level, rest.provider, providers) });
}

/** Converts the filter for the store, restricted to users that the viewer may see. */
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
