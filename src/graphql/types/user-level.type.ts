/** The status of a user at a level. */

import { Field, ObjectType } from 'type-graphql';
import { toDate } from '../../domain/instant';
import type { LevelKey } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import type { UserLevelRow } from '../../store/read/reader';
import { VerificationStatusEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';

@ObjectType({ description: 'The status of a user at a level.' })
export class UserLevel {
  /** For the field `level`. */
  readonly levelKey: LevelKey;

  /** For the field `latestAttempt`. */
  readonly latestAttemptId: number;

  @Field(() => VerificationStatusEnum, { description: 'Status of the user at the level.' })
  readonly status: VerificationStatus;

  @Field(() => DateTime, {
    description:
      'Time since which the status applies: provider timestamp, or time of receipt if it is missing.',
  })
  readonly since: Date;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Time at which the approval expires. Null if it never expires, or there is no approval.',
  })
  readonly expiresAt: Date | null;

  @Field(() => Boolean, {
    description:
      'Whether the provider has moved the user to another level or deleted the account. The default policy ignores such a level. A policy that lists the level still counts its approval.',
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
