/** `eraseUser`: destroys the personal data of a user. */

import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  InputType,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import type { EraseOutcome } from '../../store/erasure/erasures';
import { prepareErasure } from '../inputs/erasure-input';
import { UserTarget, userNotFound } from '../inputs/user-target';
import { DateTime } from '../relay/date-time.scalar';
import type { Context } from '../request/context';
import { loadUser, User } from '../types/user.type';
import { MutationPayload, UserError } from '../types/user-error.type';

@InputType({
  description: 'The user to erase. Provide exactly one of `userId` and `externalUserId`.',
})
export class EraseUserInput extends UserTarget {
  @Field(() => String, {
    description:
      'Reason for the audit log, 1 to 200 characters, for example a request number. It is stored permanently and must not contain personal data.',
  })
  readonly reason!: string;
}

@ObjectType({ description: 'Result of `eraseUser`.' })
export class EraseUserPayload extends MutationPayload {
  /** For the field `user`. */
  readonly userId: number | null;

  @Field(() => Boolean, {
    description:
      'Whether the user is erased, now or before. False if the erasure is postponed or the mutation failed.',
  })
  readonly erased: boolean;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Time until which the erasure is postponed. The gateway erases the user at this time. Null if the end is unknown, or nothing postpones the erasure.',
  })
  readonly heldUntil: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'Legal basis for postponing the erasure. Null if nothing postpones it.',
  })
  readonly basis: string | null;

  constructor(
    outcome: Exclude<EraseOutcome, { fault: unknown }> | null,
    userErrors: readonly UserError[],
  ) {
    super(userErrors);
    const postponed = outcome?.erased === false ? outcome : null;
    this.userId = outcome?.userId ?? null;
    this.erased = outcome?.erased ?? false;
    this.heldUntil = postponed?.heldUntil ?? null;
    this.basis = postponed?.basis ?? null;
  }
}

@Resolver(() => EraseUserPayload)
export class EraseUserResolver {
  @Mutation(() => EraseUserPayload, {
    description:
      'Erases a user and the users merged into it: destroys profiles, credentials, raw bodies, and the IDs and texts of providers. Statuses remain under the opaque ID and no longer change. The erasure is permanent. If a retention period or a legal hold applies, the gateway stores the request and erases the user when it ends. Idempotent. Requires the `erase` scope.',
  })
  async eraseUser(
    @Arg('input', () => EraseUserInput, { description: 'The user and the reason.' })
    input: EraseUserInput,
    @Ctx() context: Context,
  ): Promise<EraseUserPayload> {
    const erasing = await prepareErasure(context, input, 'reason');
    if (erasing instanceof UserError) return new EraseUserPayload(null, [erasing]);
    const outcome = await context.store.erasures.erase({ ...erasing, reason: input.reason });
    context.feed.wake();
    context.refresh();
    return 'fault' in outcome
      ? new EraseUserPayload(null, [userNotFound('userId')])
      : new EraseUserPayload(outcome, []);
  }

  @FieldResolver(() => User, {
    nullable: true,
    description:
      'The user after the erasure. Null if the mutation failed. Also requires the `read` scope.',
  })
  async user(@Root() payload: EraseUserPayload, @Ctx() context: Context): Promise<User | null> {
    context.visibility.assertCanRead();
    return payload.userId === null ? null : loadUser(context, payload.userId);
  }
}
