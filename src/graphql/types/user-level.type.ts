/** What a user holds at one level. */

import { Field, ObjectType } from 'type-graphql';
import { toDate } from '../../domain/instant';
import type { LevelKey } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import type { UserLevelRow } from '../../store/read/reader';
import { VerificationStatusEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';

@ObjectType({ description: 'What a user holds at one level.' })
export class UserLevel {
  /** Not published; `level` is. */
  readonly levelKey: LevelKey;

  /** Not published; `latestAttempt` is. */
  readonly latestAttemptId: number;

  @Field(() => VerificationStatusEnum, { description: 'What the user holds there.' })
  readonly status: VerificationStatus;

  @Field(() => DateTime, { description: 'Since when, by the clock of the vendor.' })
  readonly since: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the approval runs out; null for never, or if there is none.',
  })
  readonly expiresAt: Date | null;

  @Field(() => Boolean, {
    description:
      'Whether the vendor has since moved the user to another level or deleted the account. The default policy no longer asks for the level; a policy that names it still counts its approval.',
  })
  readonly superseded: boolean;

  @Field(() => Boolean, {
    description: 'Former name of `superseded`.',
    deprecationReason: 'Use `superseded`.',
  })
  readonly withdrawn: boolean;

  constructor(row: UserLevelRow) {
    this.levelKey = row.levelKey;
    this.latestAttemptId = row.latestAttemptId;
    this.status = row.status;
    this.since = toDate(row.since);
    this.expiresAt = row.expiresAt === null ? null : toDate(row.expiresAt);
    this.superseded = row.superseded;
    this.withdrawn = row.superseded;
  }
}
