/** How entries of the change log are chosen, in queries and subscriptions alike. */

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

@InputType({ description: 'Which status changes; all given conditions hold.' })
export class StatusChangeFilter {
  @Field(() => ID, {
    nullable: true,
    description: 'About this user, or about a user merged with this one.',
  })
  readonly userId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "About the user with this id of our customer's.",
  })
  readonly externalUserId?: string | null;

  @Field(() => ProviderEnum, { nullable: true, description: 'About this vendor.' })
  readonly provider?: ProviderId | null;

  @Field(() => String, {
    nullable: true,
    description: 'About this level: `provider/name`, or a name beside `provider`.',
  })
  readonly level?: LevelKey | null;

  @Field(() => [AttemptStatusEnum], {
    nullable: true,
    description: 'That gave an attempt one of these statuses.',
  })
  readonly attemptStatus?: readonly AttemptStatus[] | null;

  @Field(() => [VerificationStatusEnum], {
    nullable: true,
    description: 'After which the user had one of these statuses.',
  })
  readonly verificationStatus?: readonly VerificationStatus[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'True: only those that changed the verification status of the user.',
  })
  readonly verificationStatusChanged?: boolean | null;
}

@ArgsType()
export class StatusChangesArgs extends PageArgs {
  @Field(() => StatusChangeFilter, {
    nullable: true,
    description: 'Which status changes; without it, all.',
  })
  readonly filter?: StatusChangeFilter | null;
}

@ArgsType()
export class StatusChangedArgs {
  @Field(() => StatusChangeFilter, {
    nullable: true,
    description: 'Which status changes; without it, all.',
  })
  readonly filter?: StatusChangeFilter | null;

  @Field(() => String, {
    nullable: true,
    description: 'Go on after this `cursor` of a status change or of `Query.cursor`.',
  })
  readonly after?: string | null;
}

/** Which users the filter is about. */
function toUserSelection(filter: StatusChangeFilter | null | undefined): UserSelection {
  return {
    ids: filter?.userId ? [filter.userId] : null,
    externalUserId: filter?.externalUserId ?? null,
  };
}

/** All conditions but those on users. */
function toChangeConditions(
  context: Context,
  filter: StatusChangeFilter | null | undefined,
): ChangeFilter {
  const { userId: _, externalUserId: __, level, ...rest } = filter ?? {};
  return omitNullish({ ...rest, levelKey: toLevelKey(level, rest.provider, context.providers) });
}

/**
 * The filter as the store understands it, narrowed to what the viewer may see. An entry keeps the user whom it was about
 * when it was written, so that all who were merged into a user are asked for with them.
 */
export async function toChangeFilter(
  context: Context,
  filter: StatusChangeFilter | null | undefined,
): Promise<ChangeFilter> {
  const current = await selectUsers(context, toUserSelection(filter));
  const merged = current && (await Promise.all(current.map(context.read.userIdsMergedInto))).flat();
  return omitNullish({ ...toChangeConditions(context, filter), userIds: merged });
}
