/** `createUser`: creates a user before the first delivery about them. */

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
import type { Context } from '../request/context';
import { loadUser, User } from '../types/user.type';
import { MutationPayload, UserError } from '../types/user-error.type';

const MAX_EXTERNAL_ID_LENGTH = 255;

@InputType({ description: 'The user to create.' })
export class CreateUserInput {
  @Field(() => String, {
    nullable: true,
    description:
      'Your ID for the user, at most 255 characters. Deliveries with this ID are assigned to the user. If a user with this ID exists, the mutation returns that user.',
  })
  readonly externalUserId?: string | null;
}

@ObjectType({ description: 'Result of `createUser`.' })
export class CreateUserPayload extends MutationPayload {
  /** For the field `user`. */
  readonly userId: number | null;

  @Field(() => Boolean, {
    description:
      'Whether the mutation created the user. False if a user with this external user ID existed.',
  })
  readonly created: boolean;

  constructor(userId: number | null, created: boolean, userErrors: readonly UserError[]) {
    super(userErrors);
    this.userId = userId;
    this.created = created;
  }
}

@Resolver(() => CreateUserPayload)
export class CreateUserResolver {
  @Mutation(() => CreateUserPayload, {
    description:
      'Creates a user, for example before the first delivery about them. With `externalUserId` it is idempotent; without it, each call creates another user. Requires the `operate` scope.',
  })
  async createUser(
    @Arg('input', () => CreateUserInput, { description: 'The user to create.' })
    input: CreateUserInput,
    @Ctx() context: Context,
  ): Promise<CreateUserPayload> {
    const { auditActor } = context.visibility.assertCanOperate();
    const externalUserId = input.externalUserId ?? null;
    if (externalUserId !== null && !isExternalUserId(externalUserId)) {
      const message = `\`externalUserId\` must have 1 to ${MAX_EXTERNAL_ID_LENGTH} characters.`;
      const path = ['input', 'externalUserId'];
      return new CreateUserPayload(null, false, [
        new UserError('EXTERNAL_USER_ID_INVALID', message, path),
      ]);
    }
    const outcome = await context.store.createUser({
      externalUserId,
      auditActor,
      now: context.now(),
    });
    context.refresh();
    return new CreateUserPayload(outcome.userId, outcome.created, []);
  }

  @FieldResolver(() => User, {
    nullable: true,
    description: 'The user. Null if the mutation failed. Also requires the `read` scope.',
  })
  async user(@Root() payload: CreateUserPayload, @Ctx() context: Context): Promise<User | null> {
    context.visibility.assertCanRead();
    return payload.userId === null ? null : loadUser(context, payload.userId);
  }
}

function isExternalUserId(text: string): boolean {
  return text.trim() !== '' && text.length <= MAX_EXTERNAL_ID_LENGTH;
}
