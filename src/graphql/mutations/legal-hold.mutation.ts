/** `setLegalHold` and `releaseLegalHold`: users who must not be erased for the time being. */

import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import type { HoldFault } from '../../store/erasure/erasures';
import { prepareErasure } from '../inputs/erasure-input';
import { UserTarget, userErased, userNotFound } from '../inputs/user-target';
import { DateTime } from '../relay/date-time.scalar';
import type { Context } from '../request/context';
import { MutationPayload, UserError } from '../types/user-error.type';

@InputType({ description: 'Whom to keep. Exactly one of `userId` and `externalUserId`.' })
export class SetLegalHoldInput extends UserTarget {
  @Field(() => String, {
    description:
      'Why: 1 to 200 characters, such as the number of a case. Nothing personal: whoever asks for an erasure is told, and the audit log keeps it.',
  })
  readonly basis!: string;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Until when. Without it, until `releaseLegalHold`.',
  })
  readonly until?: Date | null;
}

@InputType({ description: 'Whom to let go. Exactly one of `userId` and `externalUserId`.' })
export class ReleaseLegalHoldInput extends UserTarget {
  @Field(() => String, { description: 'Why, for the audit log: 1 to 200 characters.' })
  readonly reason!: string;
}

@ObjectType({ description: 'What came of `setLegalHold` or `releaseLegalHold`.' })
export class LegalHoldPayload extends MutationPayload {}

@Resolver()
export class LegalHoldResolver {
  @Mutation(() => LegalHoldPayload, {
    description:
      'Keeps a user from being erased; a hold that is there already is replaced. Needs the scope `erase`.',
  })
  async setLegalHold(
    @Arg('input', () => SetLegalHoldInput, { description: 'Whom, and why.' })
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
      'Ends a hold. An erasure that it kept waiting is carried out within seconds, unless something else keeps the user. Needs the scope `erase`.',
  })
  async releaseLegalHold(
    @Arg('input', () => ReleaseLegalHoldInput, { description: 'Whom, and why.' })
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
