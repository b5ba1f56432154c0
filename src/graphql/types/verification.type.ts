/** The explanation of a user's status. */

import { Field, Int, ObjectType } from 'type-graphql';
import { type Instant, toDate } from '../../domain/instant';
import type { LevelKey } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import type { UserLevelRow } from '../../store/read/reader';
import { VerificationStatusEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';

/** Maximum number of levels per list. A user may have thousands, and every pushed change may contain the lists. */
export const MAX_LISTED_LEVELS = 100;

@ObjectType({ description: "A level that determines the user's status." })
export class VerificationReason {
  /** For the field `level`. */
  readonly levelKey: LevelKey;

  /** For the field `attempt`. */
  readonly attemptId: number;

  @Field(() => VerificationStatusEnum, { description: 'Status of the user at the level.' })
  readonly status: VerificationStatus;

  @Field(() => DateTime, { description: 'Time since which the user has this status.' })
  readonly since: Date;

  constructor(userLevel: UserLevelRow) {
    this.levelKey = userLevel.levelKey;
    this.attemptId = userLevel.latestAttemptId;
    this.status = userLevel.status;
    this.since = toDate(userLevel.since);
  }
}

@ObjectType({
  description: 'A level that the policy requires and that does not count as verified.',
})
export class MissingLevel {
  /** For the field `level`. */
  readonly levelKey: LevelKey;

  /** For the field `attempt`. */
  readonly attemptId: number | null;

  @Field(() => VerificationStatusEnum, {
    description:
      'Status of the user at the level. The level can be missing although its status is VERIFIED: then a final rejection at another level blocks it.',
  })
  readonly status: VerificationStatus;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Time since which the user has this status. Null if the user has no attempt at the level.',
  })
  readonly since: Date | null;

  constructor(levelKey: LevelKey, userLevel: UserLevelRow | undefined) {
    this.levelKey = levelKey;
    this.attemptId = userLevel?.latestAttemptId ?? null;
    this.status = userLevel?.status ?? 'NOT_VERIFIED';
    this.since = userLevel ? toDate(userLevel.since) : null;
  }
}

@ObjectType({ description: 'A set of levels that would make the user VERIFIED.' })
export class MissingLevels {
  @Field(() => [MissingLevel], { description: 'The levels. All of them are required.' })
  readonly levels: readonly MissingLevel[];

  constructor(levels: readonly MissingLevel[]) {
    this.levels = levels;
  }
}

@ObjectType({
  description: "A user's status with its explanation, according to the verification policy.",
})
export class Verification {
  @Field(() => VerificationStatusEnum, { description: 'Status of the user.' })
  readonly status: VerificationStatus;

  @Field(() => DateTime, {
    description:
      'Time since which the status applies. The creation time of the user if there is no event.',
  })
  readonly since: Date;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Time at which the status expires unless it changes before. Null if it never expires.',
  })
  readonly expiresAt: Date | null;

  @Field(() => [VerificationReason], {
    description: `Levels that determine the status if it is VERIFIED or EXPIRED. At most ${MAX_LISTED_LEVELS}.`,
  })
  readonly because: readonly VerificationReason[];

  @Field(() => [MissingLevel], {
    description: `Missing levels of all alternatives, at most ${MAX_LISTED_LEVELS}. The user needs the levels of one alternative, not all of these. Empty if the status is VERIFIED.`,
  })
  readonly missing: readonly MissingLevel[];

  @Field(() => Int, {
    description: `Number of missing levels, including those beyond the first ${MAX_LISTED_LEVELS}.`,
  })
  readonly missingCount: number;

  @Field(() => [MissingLevels], {
    description: `Alternatives to become VERIFIED; the levels of any one entry suffice. Smallest first, at most 32, without entries of more than ${MAX_LISTED_LEVELS} levels. Empty if the status is VERIFIED.`,
  })
  readonly alternatives: readonly MissingLevels[];

  @Field(() => [VerificationReason], {
    description: `Levels with a final rejection that blocks an older approval required by the policy (\`blockedBy\` of the policy). At most ${MAX_LISTED_LEVELS}. Empty for end users, unless the operator allows it (setting END_USER_REASONS=all).`,
  })
  readonly blockedBy: readonly VerificationReason[];

  constructor(verdict: {
    readonly status: VerificationStatus;
    readonly since: Date;
    readonly expiresAt: Instant | null;
    readonly because: readonly VerificationReason[];
    readonly missing: readonly MissingLevel[];
    readonly missingCount: number;
    readonly alternatives: readonly MissingLevels[];
    readonly blockedBy: readonly VerificationReason[];
  }) {
    this.status = verdict.status;
    this.since = verdict.since;
    this.expiresAt = verdict.expiresAt === null ? null : toDate(verdict.expiresAt);
    this.because = verdict.because;
    this.missing = verdict.missing;
    this.missingCount = verdict.missingCount;
    this.alternatives = verdict.alternatives;
    this.blockedBy = verdict.blockedBy;
  }
}
