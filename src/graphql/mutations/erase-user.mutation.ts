/** `eraseUser`: destroys what is personal of a user. */

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

@InputType({ description: 'Who is to be erased. Exactly one of `userId` and `externalUserId`.' })
export class EraseUserInput extends UserTarget {
  @Field(() => String, {
    description:
      'Why, for the audit log: 1 to 200 characters, such as the number of a request. Nothing personal, for it stays.',
  })
  readonly reason!: string;
}

@ObjectType({ description: 'What came of `eraseUser`.' })
export class EraseUserPayload extends MutationPayload {
  /** Not published; `user` is. */
  readonly userId: number | null;

  @Field(() => Boolean, {
    description: 'True once it is done, also if it was before. False if the user has to be kept.',
  })
  readonly erased: boolean;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When the user has to be kept: until then. The request is kept and carried out when it is due. Null where nobody knows, or nothing keeps the user.',
  })
  readonly heldUntil: Date | null;

  @Field(() => String, { nullable: true, description: 'Why the user has to be kept.' })
  readonly basis: string | null;

  constructor(
    outcome: Exclude<EraseOutcome, { fault: unknown }> | null,
    userErrors: readonly UserError[],
  ) {
    super(userErrors);
    const held = outcome?.erased === false ? outcome : null;
    this.userId = outcome?.userId ?? null;
    this.erased = outcome?.erased ?? false;
    this.heldUntil = held?.heldUntil ?? null;
    this.basis = held?.basis ?? null;
  }
}

@Resolver(() => EraseUserPayload)
export class EraseUserResolver {
  @Mutation(() => EraseUserPayload, {
    description:
      'Destroys all that is personal of a user and of those who went into it: profiles, credentials, raw bodies, ids, and what vendors wrote about them. A record of statuses stays under the opaque id, and nothing changes it any more. There is no way back. Where a law or a hold keeps the user, the request is kept and carried out when that ends. Needs the scope `erase`.',
  })
  async eraseUser(
    @Arg('input', () => EraseUserInput, { description: 'Who, and why.' })
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
    description: 'What is left of the user. Needs the scope `read` as well.',
  })
  async user(@Root() payload: EraseUserPayload, @Ctx() context: Context): Promise<User | null> {
    context.visibility.assertCanRead();
    return payload.userId === null ? null : loadUser(context, payload.userId);
  }
}
