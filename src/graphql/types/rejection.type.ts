/** Why a person was turned down. */

import { Field, ObjectType } from 'type-graphql';
import type { Rejection as DomainRejection } from '../../domain/change';
import type { Reason, ReasonCode } from '../../domain/event';
import { ReasonCodeEnum } from '../enums/status.enum';

@ObjectType({
  description:
    'One reason, in our words and in the words of the vendor. End users are not given reasons of the codes AML, DUPLICATE, FRAUD_SUSPECTED, OTHER and REGULATION, unless END_USER_REASONS is `all`.',
})
export class RejectionReason {
  @Field(() => ReasonCodeEnum, { description: 'Our word for it, the same for all vendors.' })
  readonly code: ReasonCode;

  @Field(() => String, { nullable: true, description: "The vendor's own code or phrase, as sent." })
  readonly providerCode: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Text of the vendor that is meant for the user.',
  })
  readonly message: string | null;

  constructor(reason: Reason) {
    this.code = reason.code;
    this.providerCode = reason.providerCode;
    this.message = reason.message;
  }
}

@ObjectType({ description: 'Why an attempt was rejected.' })
export class Rejection {
  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether the user may try again; null if the vendor does not say.',
  })
  readonly retryable: boolean | null;

  @Field(() => [RejectionReason], {
    description: 'The reasons; empty if the vendor gives none that you may see.',
  })
  readonly reasons: readonly RejectionReason[];

  constructor(rejection: DomainRejection) {
    this.retryable = rejection.retryable;
    this.reasons = rejection.reasons.map((reason) => new RejectionReason(reason));
  }
}
