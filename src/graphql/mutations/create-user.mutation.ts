/** `createUser`: opens a user before any vendor has spoken of them. */

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

@InputType({ description: 'The user to open.' })
export class CreateUserInput {
  @Field(() => String, {
    nullable: true,
    description:
      "Our customer's id of the user, at most 255 characters. Webhooks that bear it will find this user. If there is a user with it already, that one is answered.",
  })
  readonly externalUserId?: string | null;
}

@ObjectType({ description: 'What came of `createUser`.' })
export class CreateUserPayload extends MutationPayload {
  /** Not published; `user` is. */
  readonly userId: number | null;

  @Field(() => Boolean, { description: 'False if the user was there already.' })
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
    description: 'Opens a user before any vendor has spoken of them. Needs the scope `operate`.',
  })
  async createUser(
    @Arg('input', () => CreateUserInput, { description: 'The user to open.' })
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
    description: 'The user. Needs the scope `read` as well.',
  })
  async user(@Root() payload: CreateUserPayload, @Ctx() context: Context): Promise<User | null> {
    context.visibility.assertCanRead();
    return payload.userId === null ? null : loadUser(context, payload.userId);
  }
}

function isExternalUserId(text: string): boolean {
  return text.trim() !== '' && text.length <= MAX_EXTERNAL_ID_LENGTH;
}
