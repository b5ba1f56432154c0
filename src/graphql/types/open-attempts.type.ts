/** Open attempts at a provider, counted by status. */

import { Field, Int, ObjectType } from 'type-graphql';
import { toDate } from '../../domain/instant';
import type { OpenStatus } from '../../domain/status';
import type { OpenAttempts as OpenAttemptsRow } from '../../store/read/reader';
import { AttemptStatusEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';

@ObjectType({ description: 'Open attempts at a provider in one status.' })
export class OpenAttempts {
  @Field(() => AttemptStatusEnum, { description: 'Status of the attempts.' })
  readonly status: OpenStatus;

  @Field(() => Int, { description: 'Number of attempts in this status.' })
  readonly count: number;

  @Field(() => Int, {
    description:
      'Number of these attempts whose status has not changed for longer than the configured limit.',
  })
  readonly stalled: number;

  @Field(() => DateTime, {
    description: 'Time since which the oldest of these attempts has been in this status.',
  })
  readonly oldestSince: Date;

  constructor({ status, count, stalled, oldest }: OpenAttemptsRow) {
    this.status = status;
    this.count = count;
    this.stalled = stalled;
    this.oldestSince = toDate(oldest);
  }
}
