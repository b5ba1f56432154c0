/** `setLegalHold` and `releaseLegalHold`: users who must not be erased for the time being. */

import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import type { ByOperator, HoldFault } from '../store/store';
import type { Context } from './context';
import { DateTime } from './date-time.scalar';
import { checkReason } from './reason';
import { UserError } from './user-error.type';
import { findTarget, type UserTarget, userErased, userNotFound } from './user-target';

@InputType({ description: 'Whom to keep. Exactly one of `userId` and `externalUserId`.' })
export class SetLegalHoldInput {
  @Field(() => ID, { nullable: true, description: 'The user, by opaque id.' })
  readonly userId?: string | null;

  @Field(() => String, { nullable: true, description: "The user, by our customer's id." })
  readonly externalUserId?: string | null;

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
export class ReleaseLegalHoldInput {
  @Field(() => ID, { nullable: true, description: 'The user, by opaque id.' })
  readonly userId?: string | null;

  @Field(() => String, { nullable: true, description: "The user, by our customer's id." })
  readonly externalUserId?: string | null;

  @Field(() => String, { description: 'Why, for the audit log: 1 to 200 characters.' })
  readonly reason!: string;
}

@ObjectType({ description: 'What came of `setLegalHold` or `releaseLegalHold`.' })
export class LegalHoldPayload {
  @Field(() => [UserError], { description: 'Why nothing was done; empty if it was.' })
  readonly userErrors: readonly UserError[];

  constructor(userErrors: readonly UserError[]) {
    this.userErrors = userErrors;
  }
}

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
    const { basis, until = null } = input;
    return await act(context, input, checkReason(basis, 'basis'), (by) =>
      context.store.erasures.setHold({ ...by, basis, until, reason: null }),
    );
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
    const { reason } = input;
    return await act(context, input, checkReason(reason), (by) =>
      context.store.erasures.releaseHold({ ...by, reason }),
    );
  }
}

async function act(
  context: Context,
  target: UserTarget,
  fault: UserError | null,
  work: (by: Omit<ByOperator, 'reason'>) => Promise<HoldFault | null>,
): Promise<LegalHoldPayload> {
  const { by } = context.visibility.assertErases();
  if (fault !== null) return new LegalHoldPayload([fault]);
  const userId = await findTarget(context, target);
  if (userId instanceof UserError) return new LegalHoldPayload([userId]);
  const why = await work({ userId, by, now: context.now() });
  return new LegalHoldPayload(why === null ? [] : [FAULTS[why]('userId')]);
}

const FAULTS = { USER_NOT_FOUND: userNotFound, USER_ERASED: userErased };
