/** Filter of the change log, for queries and subscriptions. */

import { ArgsType, Field, ID, InputType } from 'type-graphql';
import type { LevelKey, ProviderId } from '../../domain/level';
import type { AttemptStatus, VerificationStatus } from '../../domain/status';
import type { ChangeFilter } from '../../store/read/filters';
import { ProviderEnum } from '../enums/provider.enum';
import { AttemptStatusEnum, VerificationStatusEnum } from '../enums/status.enum';
import { toLevelKey } from '../relay/level-key';
import { omitNullish } from '../relay/omit-nullish';
import { PageArgs } from '../relay/page';
import type { Context } from '../request/context';
import { selectUsers, type UserSelection } from './user-selection';

@InputType({ description: 'Conditions on status changes. All of them must match.' })
export class StatusChangeFilter {
  @Field(() => ID, {
    nullable: true,
    description: 'Only changes of this user, or of users merged into it.',
  })
  readonly userId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Only changes of the user with this `externalUserId`.',
  })
  readonly externalUserId?: string | null;

  @Field(() => ProviderEnum, {
    nullable: true,
    description: 'Only changes that concern this provider.',
  })
  readonly provider?: ProviderId | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Only changes at this level: `provider/name`, or only the level name, if you also set `provider`.',
  })
  readonly level?: LevelKey | null;

  @Field(() => [AttemptStatusEnum], {
    nullable: true,
    description: 'Only changes after which the attempt has one of these statuses.',
  })
  readonly attemptStatus?: readonly AttemptStatus[] | null;

  @Field(() => [VerificationStatusEnum], {
    nullable: true,
    description: 'Only changes after which the user has one of these statuses.',
  })
  readonly verificationStatus?: readonly VerificationStatus[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      '`true`: only entries in which the verification status of the user changed. `false`: only entries in which it did not.',
  })
  readonly verificationStatusChanged?: boolean | null;
}

@ArgsType()
export class StatusChangesArgs extends PageArgs {
  @Field(() => StatusChangeFilter, {
    nullable: true,
    description: 'Conditions on the status changes. Default: all changes.',
  })
  readonly filter?: StatusChangeFilter | null;
}

@ArgsType()
export class StatusChangedArgs {
  @Field(() => StatusChangeFilter, {
    nullable: true,
    description: 'Conditions on the status changes. Default: all changes.',
  })
  readonly filter?: StatusChangeFilter | null;

  @Field(() => String, {
    nullable: true,
    description: 'Only changes after this cursor: `cursor` of a status change, or `Query.cursor`.',
  })
  readonly after?: string | null;
}

/** Returns the conditions on users. */
function toUserSelection(filter: StatusChangeFilter | null | undefined): UserSelection {
  return {
    ids: filter?.userId ? [filter.userId] : null,
    externalUserId: filter?.externalUserId ?? null,
  };
}

/** Converts the filter for the store, except the conditions on users. */
function toChangeConditions(
  context: Context,
  filter: StatusChangeFilter | null | undefined,
): ChangeFilter {
  const { userId: _, externalUserId: __, level, ...rest } = filter ?? {};
  return omitNullish({ ...rest, levelKey: toLevelKey(level, rest.provider, context.providers) });
}

/**
 * Converts the filter for the store, restricted to users that the viewer may see. An entry keeps the user ID that was current
 * when it was written. Therefore the filter includes the IDs of all users merged into a selected user.
 */
export async function toChangeFilter(
  context: Context,
  filter: StatusChangeFilter | null | undefined,
): Promise<ChangeFilter> {
  const current = await selectUsers(context, toUserSelection(filter));
  const merged = current && (await Promise.all(current.map(context.read.userIdsMergedInto))).flat();
  return omitNullish({ ...toChangeConditions(context, filter), userIds: merged });
}
