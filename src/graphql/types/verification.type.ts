/** Why a user has the status that they have. */

import { Field, Int, ObjectType } from 'type-graphql';
import { type Instant, toDate } from '../../domain/instant';
import type { LevelKey } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import type { UserLevelRow } from '../../store/read/reader';
import { VerificationStatusEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';

/** Levels in one list: a user may have thousands, and each push may carry the lists. */
export const MAX_LISTED_LEVELS = 100;

@ObjectType({ description: "A level that makes the user's status what it is." })
export class VerificationReason {
  /** Not published; `level` is. */
  readonly levelKey: LevelKey;

  /** Not published; `attempt` is. */
  readonly attemptId: number;

  @Field(() => VerificationStatusEnum, { description: 'What the user holds at this level.' })
  readonly status: VerificationStatus;

  @Field(() => DateTime, { description: 'Since when they hold it.' })
  readonly since: Date;

  constructor(held: UserLevelRow) {
    this.levelKey = held.levelKey;
    this.attemptId = held.latestAttemptId;
    this.status = held.status;
    this.since = toDate(held.since);
  }
}

@ObjectType({ description: 'A level that the policy asks for and that is not verified.' })
export class MissingLevel {
  /** Not published; `level` is. */
  readonly levelKey: LevelKey;

  /** Not published; `attempt` is. */
  readonly attemptId: number | null;

  @Field(() => VerificationStatusEnum, {
    description:
      'What the user holds at this level: nothing yet, an approval that has run out, or VERIFIED if a final rejection elsewhere blocks the approval.',
  })
  readonly status: VerificationStatus;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Since when; null if the user was never seen at this level.',
  })
  readonly since: Date | null;

  constructor(levelKey: LevelKey, held: UserLevelRow | undefined) {
    this.levelKey = levelKey;
    this.attemptId = held?.latestAttemptId ?? null;
    this.status = held?.status ?? 'NOT_VERIFIED';
    this.since = held ? toDate(held.since) : null;
  }
}

@ObjectType({ description: 'Levels that together would make the user VERIFIED.' })
export class MissingLevels {
  @Field(() => [MissingLevel], { description: 'The levels; all of them are needed.' })
  readonly levels: readonly MissingLevel[];

  constructor(levels: readonly MissingLevel[]) {
    this.levels = levels;
  }
}

@ObjectType({ description: "A user's status with its grounds, by the policy of this gateway." })
export class Verification {
  @Field(() => VerificationStatusEnum, { description: 'The status.' })
  readonly status: VerificationStatus;

  @Field(() => DateTime, {
    description:
      "Since when the status is what it is; since the user's first appearance if nothing has been said about them.",
  })
  readonly since: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it will run out if nothing happens; null for never.',
  })
  readonly expiresAt: Date | null;

  @Field(() => [VerificationReason], {
    description: `The levels that make it so, where the status is VERIFIED or EXPIRED. At most ${MAX_LISTED_LEVELS}.`,
  })
  readonly because: readonly VerificationReason[];

  @Field(() => [MissingLevel], {
    description: `Levels that are part of a way to VERIFIED, at most ${MAX_LISTED_LEVELS}. The user needs the levels of one alternative, not all of these. Empty when the status is VERIFIED.`,
  })
  readonly missing: readonly MissingLevel[];

  @Field(() => Int, {
    description: `Number of missing levels. More than \`missing\` lists, if there are more than ${MAX_LISTED_LEVELS}.`,
  })
  readonly missingCount: number;

  @Field(() => [MissingLevels], {
    description: `The ways to VERIFIED: the levels of any one entry suffice. Smallest first, at most 32, without ways of more than ${MAX_LISTED_LEVELS} levels. Empty when the status is VERIFIED.`,
  })
  readonly alternatives: readonly MissingLevels[];

  @Field(() => [VerificationReason], {
    description: `The levels whose final rejection blocks an older approval that the policy asks for (\`blockedBy\` of the policy). At most ${MAX_LISTED_LEVELS}. End users receive an empty list, unless END_USER_REASONS is \`all\`.`,
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
