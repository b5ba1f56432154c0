/** An entry of the change log. */

import { Field, ID, ObjectType } from 'type-graphql';
import type { Change, ChangeCauseKind, ChangeCause as DomainCause } from '../../domain/change';
import { encodeCursor } from '../../domain/cursor';
import { toDate } from '../../domain/instant';
import type { LevelKey, ProviderId } from '../../domain/level';
import type { AttemptStatus, VerificationStatus } from '../../domain/status';
import type { ChangeOwner } from '../../store/read/filters';
import { ProviderEnum } from '../enums/provider.enum';
import {
  AttemptStatusEnum,
  ChangeCauseKindEnum,
  VerificationStatusEnum,
} from '../enums/status.enum';
import { type Connection, createConnectionType, Node } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { toLogPage } from '../relay/log-page';
import { encodeNodeId } from '../relay/node-id';
import type { PageArgs } from '../relay/page';
import type { Context } from '../request/context';
import { Rejection } from './rejection.type';

@ObjectType({ description: 'Cause of a status change.' })
export class ChangeCause {
  /** For the field `delivery`. */
  readonly deliveryId: number | null;

  /** For the field `actor`, whose resolver checks the viewer. */
  readonly actorName: string | null;

  @Field(() => ChangeCauseKindEnum, { description: 'Kind of the cause.' })
  readonly kind: ChangeCauseKind;

  @Field(() => ID, {
    nullable: true,
    description:
      'For MERGE: ID of the user that was merged into this one. It still resolves to this user. Null for other causes.',
  })
  readonly mergedUserId: string | null;

  constructor(cause: DomainCause) {
    this.deliveryId = cause.deliveryId;
    this.actorName = cause.actor;
    this.kind = cause.kind;
    this.mergedUserId =
      cause.mergedUserId === null ? null : encodeNodeId('User', cause.mergedUserId);
  }
}

@ObjectType({
  implements: Node,
  description:
    'An entry of the change log: the effect of one cause, with the values before and after.',
})
export class StatusChange implements Node {
  /** For the field `user`. */
  readonly userId: number;

  /** For the field `level`. */
  readonly levelKey: LevelKey | null;

  /** For the field `attempt`. */
  readonly attemptId: number | null;

  readonly id: string;

  @Field(() => String, {
    description:
      'Position in the change log. Pass it as `after` to `statusChanged` or `statusChanges` to continue after this entry.',
  })
  readonly cursor: string;

  @Field(() => ProviderEnum, {
    nullable: true,
    description: 'The provider that the change concerns. Null if it concerns none.',
  })
  readonly provider: ProviderId | null;

  @Field(() => AttemptStatusEnum, {
    nullable: true,
    description: 'Status of the attempt after the change. Null if the change concerns no attempt.',
  })
  readonly attemptStatus: AttemptStatus | null;

  @Field(() => AttemptStatusEnum, {
    nullable: true,
    description: 'Status of the attempt before the change. Null for a new attempt.',
  })
  readonly previousAttemptStatus: AttemptStatus | null;

  @Field(() => VerificationStatusEnum, {
    nullable: true,
    description:
      'Status of the user at the level after the change. Null if the change concerns no level.',
  })
  readonly levelStatus: VerificationStatus | null;

  @Field(() => VerificationStatusEnum, {
    nullable: true,
    description:
      'Status of the user at the level before the change. Null if the user had no attempt at the level.',
  })
  readonly previousLevelStatus: VerificationStatus | null;

  @Field(() => VerificationStatusEnum, { description: 'Status of the user after the change.' })
  readonly verificationStatus: VerificationStatus;

  @Field(() => VerificationStatusEnum, { description: 'Status of the user before the change.' })
  readonly previousVerificationStatus: VerificationStatus;

  @Field(() => Boolean, { description: 'Whether the user was active after the change.' })
  readonly active: boolean;

  @Field(() => Boolean, { description: 'Whether the user was active before the change.' })
  readonly previousActive: boolean;

  @Field(() => Rejection, {
    nullable: true,
    description: 'The rejection. Null unless the attempt was rejected.',
  })
  readonly rejection: Rejection | null;

  @Field(() => ChangeCause, { description: 'Cause of the change.' })
  readonly cause: ChangeCause;

  @Field(() => DateTime, {
    description:
      'Time of the event: the provider timestamp if there is one, otherwise the time of receipt.',
  })
  readonly occurredAt: Date;

  @Field(() => DateTime, { description: 'Time of the commit in the gateway.' })
  readonly recordedAt: Date;

  constructor(change: Change, logId: string) {
    this.userId = change.userId;
    this.levelKey = change.levelKey;
    this.attemptId = change.attemptId;
    this.id = encodeNodeId('StatusChange', change.seq);
    this.cursor = encodeCursor(logId, change);
    this.provider = change.provider;
    this.attemptStatus = change.attemptStatus;
    this.previousAttemptStatus = change.previousAttemptStatus;
    this.levelStatus = change.levelStatus;
    this.previousLevelStatus = change.previousLevelStatus;
    this.verificationStatus = change.verificationStatus;
    this.previousVerificationStatus = change.previousVerificationStatus;
    this.active = change.active;
    this.previousActive = change.previousActive;
    this.rejection = change.rejection && new Rejection(change.rejection);
    this.cause = new ChangeCause(change.cause);
    this.occurredAt = toDate(change.occurredAt);
    this.recordedAt = change.recordedAt;
  }
}

export const StatusChangeConnection = createConnectionType(
  'StatusChange',
  'status changes',
  () => StatusChange,
  ({ cursor }) => cursor,
);

/** Loads a page of the change log about a user, attempt or delivery, batched. */
export async function loadStatusChanges(
  context: Context,
  owner: ChangeOwner,
  key: number,
  args: PageArgs,
): Promise<Connection<StatusChange>> {
  const page = await toLogPage(context, args);
  const filter = await context.visibility.changeFilter();
  return StatusChangeConnection.create(
    await context.loaders.changesByOwner(owner, page, filter).load(key),
    (change) => new StatusChange(change, context.store.logId),
    () => context.loaders.changeCountByOwner(owner, filter).load(key),
  );
}
