/** One run of one user at one level. */

import { Field, Int, ObjectType } from 'type-graphql';
import { toDate } from '../../domain/instant';
import type { LevelKey, ProviderId, SubjectKind } from '../../domain/level';
import type { AttemptStatus, Trust } from '../../domain/status';
import type { AttemptRow } from '../../store/read/reader';
import { ProviderEnum } from '../enums/provider.enum';
import { AttemptStatusEnum, SubjectKindEnum, TrustEnum } from '../enums/status.enum';
import { createConnectionType } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { Node } from '../relay/node.type';
import { encodeNodeId } from '../relay/node-id';
import type { Context } from '../request/context';
import { Rejection, RejectionReason } from './rejection.type';

@ObjectType({ implements: Node, description: 'One run of one user at one level.' })
export class VerificationAttempt implements Node {
  /** Our own number; not published. */
  readonly key: number;

  /** Not published; `user` is. */
  readonly userId: number;

  /** Not published; `level` is. */
  readonly levelKey: LevelKey;

  readonly id: string;

  @Field(() => SubjectKindEnum, {
    description: 'Whether it is an attempt of a person or of a company.',
  })
  readonly kind: SubjectKind;

  @Field(() => ProviderEnum, { description: 'The vendor.' })
  readonly provider: ProviderId;

  @Field(() => Int, {
    description:
      "Counts the attempts of one of the user's accounts at this level from 1, by their start. To be shown, not to be kept: it moves on when news comes late of an attempt before.",
  })
  readonly number: number;

  @Field(() => String, {
    nullable: true,
    description: "The vendor's id of the attempt, where it gives one.",
  })
  readonly providerAttemptRef: string | null;

  @Field(() => AttemptStatusEnum, { description: 'What the attempt has come to.' })
  readonly status: AttemptStatus;

  @Field(() => String, {
    description:
      "The same in the vendor's own words. End users read `status` again, unless END_USER_REASONS is `all`.",
  })
  readonly providerStatus: string;

  @Field(() => Rejection, { nullable: true, description: 'Why, while the status is REJECTED.' })
  readonly rejection: Rejection | null;

  @Field(() => [RejectionReason], {
    description:
      'Why a person looks at it, while the status is IN_REVIEW; else empty. End users see a part of it: see `RejectionReason`.',
  })
  readonly reviewReasons: readonly RejectionReason[];

  @Field(() => TrustEnum, { description: 'How sure the gateway is of who said so.' })
  readonly trust: Trust;

  @Field(() => Boolean, { description: "From the vendor's test environment." })
  readonly sandbox: boolean;

  @Field(() => DateTime, { description: 'When it began, by the clock of the vendor.' })
  readonly startedAt: Date;

  @Field(() => DateTime, { description: 'When it last changed, by the clock of the vendor.' })
  readonly updatedAt: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was decided, or its user erased; null while it is open.',
  })
  readonly decidedAt: Date | null;

  constructor(row: AttemptRow) {
    this.key = row.id;
    this.userId = row.userId;
    this.levelKey = row.levelKey;
    this.id = encodeNodeId('VerificationAttempt', row.id);
    this.kind = row.kind;
    this.provider = row.provider;
    this.number = row.number;
    this.providerAttemptRef = row.attemptRef;
    this.status = row.status;
    this.providerStatus = row.providerStatus;
    this.rejection = row.rejection && new Rejection(row.rejection);
    this.reviewReasons = row.reviewReasons.map((reason) => new RejectionReason(reason));
    this.trust = row.trust;
    this.sandbox = row.sandbox;
    this.startedAt = toDate(row.startedAt);
    this.updatedAt = toDate(row.updatedAt);
    this.decidedAt = row.decidedAt === null ? null : toDate(row.decidedAt);
  }
}

export const VerificationAttemptConnection = createConnectionType(
  'VerificationAttempt',
  'attempts',
  () => VerificationAttempt,
);

/** The attempt of this number, batched; `null` if there is none that the viewer may see. */
export async function loadAttempt(
  context: Context,
  key: number,
): Promise<VerificationAttempt | null> {
  const row = await context.loaders.attempt.load(key);
  const isVisible = await context.visibility.canSeeUser(row?.userId ?? null);
  return row && isVisible ? new VerificationAttempt(row) : null;
}
