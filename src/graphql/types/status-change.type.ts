/** One entry of the change log. */

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
import { type Connection, createConnectionType } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { toLogPage } from '../relay/log-page';
import { Node } from '../relay/node.type';
import { encodeNodeId } from '../relay/node-id';
import type { PageArgs } from '../relay/page';
import type { Context } from '../request/context';
import { Rejection } from './rejection.type';

@ObjectType({ description: 'What brought a status change about.' })
export class ChangeCause {
  /** Not published; `delivery` is. */
  readonly deliveryId: number | null;

  /** Published by a resolver that asks who is looking. */
  readonly actorName: string | null;

  @Field(() => ChangeCauseKindEnum, { description: 'What sort of cause it was.' })
  readonly kind: ChangeCauseKind;

  @Field(() => ID, {
    nullable: true,
    description: 'For MERGE: the id of the user that went into this one. It still finds the user.',
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
  description: 'One entry of the change log: what one cause changed, before and after.',
})
export class StatusChange implements Node {
  /** Not published; `user` is. */
  readonly userId: number;

  /** Not published; `level` is. */
  readonly levelKey: LevelKey | null;

  /** Not published; `attempt` is. */
  readonly attemptId: number | null;

  readonly id: string;

  @Field(() => String, {
    description:
      'Its position in the log: give it to `statusChanged(after:)` or `statusChanges(after:)` to go on from here.',
  })
  readonly cursor: string;

  @Field(() => ProviderEnum, {
    nullable: true,
    description: 'The vendor that it is about, if any.',
  })
  readonly provider: ProviderId | null;

  @Field(() => AttemptStatusEnum, {
    nullable: true,
    description: 'Status of the attempt after the change; null if it is about no attempt.',
  })
  readonly attemptStatus: AttemptStatus | null;

  @Field(() => AttemptStatusEnum, {
    nullable: true,
    description: 'Status of the attempt before the change; null for a new attempt.',
  })
  readonly previousAttemptStatus: AttemptStatus | null;

  @Field(() => VerificationStatusEnum, {
    nullable: true,
    description: 'What the user holds at the level after the change; null if it is about no level.',
  })
  readonly levelStatus: VerificationStatus | null;

  @Field(() => VerificationStatusEnum, {
    nullable: true,
    description: 'What the user held at the level before; null if they had not been seen there.',
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

  @Field(() => Rejection, { nullable: true, description: 'Why, if the attempt was rejected.' })
  readonly rejection: Rejection | null;

  @Field(() => ChangeCause, { description: 'What brought it about.' })
  readonly cause: ChangeCause;

  @Field(() => DateTime, {
    description: 'When it happened, by the clock of the vendor where it has one, else by ours.',
  })
  readonly occurredAt: Date;

  @Field(() => DateTime, { description: 'When the gateway committed it.' })
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

/** One page of the log about one user, attempt or delivery, batched. */
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
