/** Filter and order of attempts. */

import { ArgsType, Field, ID, InputType } from 'type-graphql';
import type { LevelKey, LevelKind, ProviderId, SubjectKind } from '../../domain/level';
import type { AttemptStatus } from '../../domain/status';
import type {
  AttemptFilter as StoreFilter,
  AttemptOrder as StoreOrder,
} from '../../store/read/filters';
import { literalEnum } from '../enums/literal-enum';
import { ProviderEnum, type ProviderListing } from '../enums/provider.enum';
import {
  AttemptStatusEnum,
  LevelKindEnum,
  OrderDirectionEnum,
  SubjectKindEnum,
} from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';
import { toLevelKey } from '../relay/level-key';
import { omitNullish } from '../relay/omit-nullish';
import { PageArgs } from '../relay/page';
import type { Context } from '../request/context';
import { selectUsers } from './user-selection';

@InputType({ description: 'Conditions on attempts. All of them must match.' })
export class AttemptFilter {
  @Field(() => [ID], {
    nullable: true,
    description:
      'Only attempts of one of these users. The ID of a merged user selects the merge target.',
  })
  readonly userIds?: readonly string[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'Only attempts of the user with this `externalUserId`.',
  })
  readonly externalUserId?: string | null;

  @Field(() => ProviderEnum, { nullable: true, description: 'Only attempts at this provider.' })
  readonly provider?: ProviderId | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Only attempts at this level: `provider/name`, or only the level name, if you also set `provider`.',
  })
  readonly level?: LevelKey | null;

  @Field(() => LevelKindEnum, {
    nullable: true,
    description: 'Only attempts at levels of this kind.',
  })
  readonly levelKind?: LevelKind | null;

  @Field(() => SubjectKindEnum, {
    nullable: true,
    description: 'Only attempts of identities of this kind.',
  })
  readonly kind?: SubjectKind | null;

  @Field(() => [AttemptStatusEnum], {
    nullable: true,
    description: 'Only attempts with one of these statuses.',
  })
  readonly status?: readonly AttemptStatus[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Only attempts from a provider's test environment (true), or only others (false).",
  })
  readonly sandbox?: boolean | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only attempts started at or after this time.',
  })
  readonly startedFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Only attempts started before this time.' })
  readonly startedBefore?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only attempts last changed at or after this time.',
  })
  readonly updatedFrom?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only attempts last changed before this time.',
  })
  readonly updatedBefore?: Date | null;
}

const AttemptOrderFieldEnum = literalEnum<StoreOrder['field']>(
  'AttemptOrderField',
  'Sort key of attempts.',
  { STARTED_AT: 'Start of the attempt.', UPDATED_AT: 'Last change of the attempt.' },
);

@InputType({ description: 'Order of attempts.' })
export class AttemptOrder {
  @Field(() => AttemptOrderFieldEnum, { description: 'Sort key.' })
  readonly field!: StoreOrder['field'];

  @Field(() => OrderDirectionEnum, { description: 'Sort direction.' })
  readonly direction!: StoreOrder['direction'];
}

@ArgsType()
export class AttemptsArgs extends PageArgs {
  @Field(() => AttemptFilter, {
    nullable: true,
    description: 'Conditions on the attempts. Default: all attempts.',
  })
  readonly filter?: AttemptFilter | null;

  @Field(() => AttemptOrder, {
    nullable: true,
    description: 'Order of the attempts. Default: newest first.',
  })
  readonly orderBy?: AttemptOrder | null;
}

/** Converts the filter for the store, except the conditions on users. */
export function toAttemptConditions(
  providers: readonly ProviderListing[],
  filter: AttemptFilter | null | undefined,
): StoreFilter {
  const { userIds: _, externalUserId: __, level, ...rest } = filter ?? {};
  return omitNullish({ ...rest, levelKey: toLevelKey(level, rest.provider, providers) });
}

/** Converts the filter for the store, restricted to users that the viewer may see. */
export async function toAttemptFilter(
  context: Context,
  filter: AttemptFilter | null | undefined,
): Promise<StoreFilter> {
  const selection = {
    ids: filter?.userIds ?? null,
    externalUserId: filter?.externalUserId ?? null,
  };
  const users = await selectUsers(context, selection);
  return { ...toAttemptConditions(context.providers, filter), ...omitNullish({ userIds: users }) };
}

export function toAttemptOrder(order: AttemptOrder | null | undefined): StoreOrder {
  return { field: order?.field ?? 'STARTED_AT', direction: order?.direction ?? 'DESC' };
}
