/** Rejections and their reasons. */

import { Field, ObjectType } from 'type-graphql';
import type { Rejection as DomainRejection } from '../../domain/change';
import type { Reason, ReasonCode } from '../../domain/event';
import { ReasonCodeEnum } from '../enums/status.enum';

@ObjectType({
  description:
    'A reason for a rejection or a manual review. End users do not see the codes AML, DUPLICATE, FRAUD_SUSPECTED, OTHER and REGULATION, unless the operator allows it (setting END_USER_REASONS=all).',
})
export class RejectionReason {
  @Field(() => ReasonCodeEnum, { description: 'Code of the reason, the same for all providers.' })
  readonly code: ReasonCode;

  @Field(() => String, {
    nullable: true,
    description: "The provider's own code or phrase, as sent. Null if the provider sends none.",
  })
  readonly providerCode: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Message of the provider to the user. Null if the provider sends none.',
  })
  readonly message: string | null;

  constructor(reason: Reason) {
    this.code = reason.code;
    this.providerCode = reason.providerCode;
    this.message = reason.message;
  }
}

@ObjectType({ description: 'Rejection of an attempt.' })
export class Rejection {
  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether the user may try again. Null if the provider does not specify it.',
  })
  readonly retryable: boolean | null;

  @Field(() => [RejectionReason], {
    description: 'The reasons. Empty if the provider sends none that you may see.',
  })
  readonly reasons: readonly RejectionReason[];

  constructor(rejection: DomainRejection) {
    this.retryable = rejection.retryable;
    this.reasons = rejection.reasons.map((reason) => new RejectionReason(reason));
  }
}
