/** Filter and pages of the levels of a user. */

import { ArgsType, Field, Int } from 'type-graphql';
import { GatewayError } from '../../domain/errors';
import type { LevelKey, ProviderId } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import type { UserLevelFilter, UserLevelPage } from '../../store/read/filters';
import { ProviderEnum } from '../enums/provider.enum';
import { VerificationStatusEnum } from '../enums/status.enum';
import { omitNullish } from '../relay/omit-nullish';

const DEFAULT_LEVELS = 100;
export const MAX_LEVELS = 500;

@ArgsType()
export class UserLevelFilterArgs {
  @Field(() => ProviderEnum, { nullable: true, description: 'Only levels of this provider.' })
  readonly provider?: ProviderId | null;

  @Field(() => VerificationStatusEnum, {
    nullable: true,
    description: 'Only levels at which the user has this status.',
  })
  readonly status?: VerificationStatus | null;
}

@ArgsType()
export class UserLevelsArgs extends UserLevelFilterArgs {
  @Field(() => Int, {
    nullable: true,
    description: `Maximum number of levels, 1 to ${MAX_LEVELS}. Default: ${DEFAULT_LEVELS}.`,
  })
  readonly first?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'Only levels after this one: `level.key` of the last level on the previous page.',
  })
  readonly after?: LevelKey | null;
}

export function toUserLevelFilter({ provider, status }: UserLevelFilterArgs): UserLevelFilter {
  return omitNullish({ provider, status });
}

/** @throws {GatewayError} INPUT_INVALID if `first` is out of range. */
export function toUserLevelPage(args: UserLevelsArgs): UserLevelPage {
  const { first = DEFAULT_LEVELS, after } = omitNullish({ first: args.first, after: args.after });
  if (first < 1 || first > MAX_LEVELS) {
    throw new GatewayError('INPUT_INVALID', `\`first\` must be from 1 to ${MAX_LEVELS}.`);
  }
  return { first, ...omitNullish({ after }) };
}
