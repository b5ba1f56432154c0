/** `setLegalHold` and `releaseLegalHold`: prevent and allow the erasure of a user. */

import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import type { HoldFault } from '../../store/erasure/erasures';
import { prepareErasure } from '../inputs/erasure-input';
import { UserTarget, userErased, userNotFound } from '../inputs/user-target';
import { DateTime } from '../relay/date-time.scalar';
import type { Context } from '../request/context';
import { MutationPayload, UserError } from '../types/user-error.type';

@InputType({
  description: 'The user to hold. Provide exactly one of `userId` and `externalUserId`.',
})
export class SetLegalHoldInput extends UserTarget {
  @Field(() => String, {
    description:
      'Legal basis, 1 to 200 characters, for example a case number. It is returned to callers of `eraseUser` and stored in the audit log, so it must not contain personal data.',
  })
  readonly basis!: string;

  @Field(() => DateTime, {
    nullable: true,
    description: 'End of the hold. Default: until `releaseLegalHold`.',
  })
  readonly until?: Date | null;
}

@InputType({
  description: 'The user to release. Provide exactly one of `userId` and `externalUserId`.',
})
export class ReleaseLegalHoldInput extends UserTarget {
  @Field(() => String, { description: 'Reason for the audit log, 1 to 200 characters.' })
  readonly reason!: string;
}

@ObjectType({ description: 'Result of `setLegalHold` or `releaseLegalHold`.' })
export class LegalHoldPayload extends MutationPayload {}

@Resolver()
export class LegalHoldResolver {
  @Mutation(() => LegalHoldPayload, {
    description:
      'Sets a legal hold on a user, which postpones the erasure. Replaces an existing hold of the user. Idempotent. Requires the `erase` scope.',
  })
  async setLegalHold(
    @Arg('input', () => SetLegalHoldInput, { description: 'The user and the legal basis.' })
    input: SetLegalHoldInput,
    @Ctx() context: Context,
  ): Promise<LegalHoldPayload> {
    const erasing = await prepareErasure(context, input, 'basis');
    if (erasing instanceof UserError) return new LegalHoldPayload([erasing]);
    const { basis, until = null } = input;
    const hold = { ...erasing, basis, until, reason: null };
    return toPayload(await context.store.erasures.setHold(hold));
  }

  @Mutation(() => LegalHoldPayload, {
    description:
      'Releases the legal hold of a user. A postponed erasure then runs within seconds, unless a retention period still applies. Idempotent. Requires the `erase` scope.',
  })
  async releaseLegalHold(
    @Arg('input', () => ReleaseLegalHoldInput, { description: 'The user and the reason.' })
    input: ReleaseLegalHoldInput,
    @Ctx() context: Context,
  ): Promise<LegalHoldPayload> {
    const erasing = await prepareErasure(context, input, 'reason');
    if (erasing instanceof UserError) return new LegalHoldPayload([erasing]);
    const release = { ...erasing, reason: input.reason };
    return toPayload(await context.store.erasures.releaseHold(release));
  }
}

function toPayload(fault: HoldFault | null): LegalHoldPayload {
  return new LegalHoldPayload(fault === null ? [] : [USER_ERRORS[fault]('userId')]);
}

const USER_ERRORS = { USER_NOT_FOUND: userNotFound, USER_ERASED: userErased };
