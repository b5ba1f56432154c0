/** How attempts are chosen and put in order. */

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

@InputType({ description: 'Which attempts; all given conditions hold.' })
export class AttemptFilter {
  @Field(() => [ID], {
    nullable: true,
    description:
      'Of one of these users. An id that was merged into another user stands for that one.',
  })
  readonly userIds?: readonly string[] | null;

  @Field(() => String, {
    nullable: true,
    description: "Of the user with this id of our customer's.",
  })
  readonly externalUserId?: string | null;

  @Field(() => ProviderEnum, { nullable: true, description: 'At this vendor.' })
  readonly provider?: ProviderId | null;

  @Field(() => String, {
    nullable: true,
    description: 'At this level: `provider/name`, or a name beside `provider`.',
  })
  readonly level?: LevelKey | null;

  @Field(() => LevelKindEnum, { nullable: true, description: 'At levels of this sort.' })
  readonly levelKind?: LevelKind | null;

  @Field(() => SubjectKindEnum, {
    nullable: true,
    description: 'Only of persons, or only of companies.',
  })
  readonly kind?: SubjectKind | null;

  @Field(() => [AttemptStatusEnum], { nullable: true, description: 'With one of these statuses.' })
  readonly status?: readonly AttemptStatus[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Only from the vendors' test environments, or only not from there.",
  })
  readonly sandbox?: boolean | null;

  @Field(() => DateTime, { nullable: true, description: 'Begun at this moment or later.' })
  readonly startedFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Begun before this moment.' })
  readonly startedBefore?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Last changed at this moment or later.' })
  readonly updatedFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Last changed before this moment.' })
  readonly updatedBefore?: Date | null;
}

const AttemptOrderFieldEnum = literalEnum<StoreOrder['field']>(
  'AttemptOrderField',
  'What attempts are put in order by.',
  { STARTED_AT: 'When the attempt began.', UPDATED_AT: 'When the attempt last changed.' },
);

@InputType({ description: 'The order of attempts.' })
export class AttemptOrder {
  @Field(() => AttemptOrderFieldEnum, { description: 'What decides.' })
  readonly field!: StoreOrder['field'];

  @Field(() => OrderDirectionEnum, { description: 'Which end comes first.' })
  readonly direction!: StoreOrder['direction'];
}

@ArgsType()
export class AttemptsArgs extends PageArgs {
  @Field(() => AttemptFilter, { nullable: true, description: 'Which attempts; without it, all.' })
  readonly filter?: AttemptFilter | null;

  @Field(() => AttemptOrder, {
    nullable: true,
    description: 'Their order; without it, newest first.',
  })
  readonly orderBy?: AttemptOrder | null;
}

/** The conditions as the store understands them, but for those that name users. */
export function toAttemptConditions(
  providers: readonly ProviderListing[],
  filter: AttemptFilter | null | undefined,
): StoreFilter {
  const { userIds: _, externalUserId: __, level, ...rest } = filter ?? {};
  return omitNullish({ ...rest, levelKey: toLevelKey(level, rest.provider, providers) });
}

/** The filter as the store understands it, narrowed to what the viewer may see. */
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
