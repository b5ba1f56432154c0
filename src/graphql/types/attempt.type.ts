/** A verification attempt: one run of an identity at a level. */

import { Field, Int, ObjectType } from 'type-graphql';
import { toDate } from '../../domain/instant';
import type { LevelKey, ProviderId, SubjectKind } from '../../domain/level';
import type { AttemptStatus, Trust } from '../../domain/status';
import type { AttemptRow } from '../../store/read/reader';
import { ProviderEnum } from '../enums/provider.enum';
import { AttemptStatusEnum, SubjectKindEnum, TrustEnum } from '../enums/status.enum';
import { createConnectionType, Node } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { encodeNodeId } from '../relay/node-id';
import type { Context } from '../request/context';
import { Rejection, RejectionReason } from './rejection.type';

@ObjectType({
  implements: Node,
  description: 'A verification attempt: one run of an identity at a level.',
})
export class VerificationAttempt implements Node {
  /** Internal number, not in the schema. */
  readonly key: number;

  /** For the field `user`. */
  readonly userId: number;

  /** For the field `level`. */
  readonly levelKey: LevelKey;

  readonly id: string;

  @Field(() => SubjectKindEnum, {
    description: 'Kind of the identity: person or company.',
  })
  readonly kind: SubjectKind;

  @Field(() => ProviderEnum, { description: 'The provider.' })
  readonly provider: ProviderId;

  @Field(() => Int, {
    description:
      'Ordinal number among the attempts of the same identity at this level, from 1, ordered by start. For display only: it increases if a late delivery adds an earlier attempt.',
  })
  readonly number: number;

  @Field(() => String, {
    nullable: true,
    description: "The provider's ID of the attempt. Null if the provider sends none.",
  })
  readonly providerAttemptRef: string | null;

  @Field(() => AttemptStatusEnum, { description: 'Status of the attempt.' })
  readonly status: AttemptStatus;

  @Field(() => String, {
    description:
      "The provider's own status, as sent. For end users it equals `status`, unless the operator allows the original (setting END_USER_REASONS=all).",
  })
  readonly providerStatus: string;

  @Field(() => Rejection, {
    nullable: true,
    description: 'The rejection. Null unless the status is REJECTED.',
  })
  readonly rejection: Rejection | null;

  @Field(() => [RejectionReason], {
    description:
      'Reasons for the manual review. Empty unless the status is IN_REVIEW. End users see a subset; see `RejectionReason`.',
  })
  readonly reviewReasons: readonly RejectionReason[];

  @Field(() => TrustEnum, { description: 'Evidence for the current status.' })
  readonly trust: Trust;

  @Field(() => Boolean, {
    description: "Whether the attempt comes from the provider's test environment.",
  })
  readonly sandbox: boolean;

  @Field(() => DateTime, {
    description: 'Start of the attempt: provider timestamp, or time of receipt if it is missing.',
  })
  readonly startedAt: Date;

  @Field(() => DateTime, {
    description:
      'Last change of the attempt: provider timestamp, or time of receipt if it is missing.',
  })
  readonly updatedAt: Date;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Time of the decision, or of the erasure of the user. Null while the attempt is open.',
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

/** Loads an attempt by number, batched. Returns null if it does not exist or the viewer may not see it. */
export async function loadAttempt(
  context: Context,
  key: number,
): Promise<VerificationAttempt | null> {
  const row = await context.loaders.attempt.load(key);
  const isVisible = await context.visibility.canSeeUser(row?.userId ?? null);
  return row && isVisible ? new VerificationAttempt(row) : null;
}
