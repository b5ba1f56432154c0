/** The attempts at one vendor that are open, by status. */

import { Field, Int, ObjectType } from 'type-graphql';
import { toDate } from '../../domain/instant';
import type { OpenStatus } from '../../domain/status';
import type { OpenAttempts as OpenAttemptsRow } from '../../store/read/reader';
import { AttemptStatusEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';

@ObjectType({ description: 'The attempts at one vendor that are open, in one status.' })
export class OpenAttempts {
  @Field(() => AttemptStatusEnum, { description: 'The status in which they are.' })
  readonly status: OpenStatus;

  @Field(() => Int, { description: 'How many there are.' })
  readonly count: number;

  @Field(() => Int, {
    description: 'Those that have been in this status for too long.',
  })
  readonly stalled: number;

  @Field(() => DateTime, {
    description: 'Since when the first of them has been in this status.',
  })
  readonly oldest: Date;

  constructor({ status, count, stalled, oldest }: OpenAttemptsRow) {
    this.status = status;
    this.count = count;
    this.stalled = stalled;
    this.oldest = toDate(oldest);
  }
}
