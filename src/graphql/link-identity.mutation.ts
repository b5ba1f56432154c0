/** `linkIdentity`: ties an account at a provider to a user. */

import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Context } from './context';
import { Identity } from './identity.type';
import { encodeNodeId, parseNodeId } from './node-id';
import { assertSound } from './sound-text';
import { IdentityInput } from './user.input';
import { loadUser, User } from './user.type';
import { UserError } from './user-error.type';

@InputType({
  description:
    'Which identity belongs to which user. Exactly one of `userId` and `externalUserId`.',
})
export class LinkIdentityInput {
  @Field(() => IdentityInput, { description: 'The account. It need not have been heard of yet.' })
  readonly identity!: IdentityInput;

  @Field(() => ID, { nullable: true, description: 'The user, by opaque id.' })
  readonly userId?: string | null;

  @Field(() => String, { nullable: true, description: "The user, by our customer's id." })
  readonly externalUserId?: string | null;
}

@ObjectType({ description: 'What came of `linkIdentity`.' })
export class LinkIdentityPayload {
  /** Not published; `user` is. */
  readonly userId: number | null;

  /** Not published; `identity` is. */
  readonly identityId: string | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'Id of the user that went into this one, if two became one. It still finds the user.',
  })
  readonly mergedUserId: string | null;

  @Field(() => [UserError], { description: 'Why nothing was done; empty if it was.' })
  readonly userErrors: readonly UserError[];

  constructor(
    link: {
      readonly userId: number;
      readonly identityId: number;
      readonly mergedUserId: number | null;
    } | null,
    userErrors: readonly UserError[],
  ) {
    const mergedUserId = link?.mergedUserId ?? null;
    this.userId = link?.userId ?? null;
    this.identityId = link && encodeNodeId('Identity', link.identityId);
    this.mergedUserId = mergedUserId === null ? null : encodeNodeId('User', mergedUserId);
    this.userErrors = userErrors;
  }
}

@Resolver(() => LinkIdentityPayload)
export class LinkIdentityResolver {
  @Mutation(() => LinkIdentityPayload, {
    description:
      'Ties an account at a provider to a user. If another user was known by this account alone, the two become one, for good, and the log says so; else only the account moves. Needs the scope `operate`.',
  })
  async linkIdentity(
    @Arg('input', () => LinkIdentityInput, { description: 'What belongs to whom.' })
    input: LinkIdentityInput,
    @Ctx() context: Context,
  ): Promise<LinkIdentityPayload> {
    const actor = context.visibility.assertOperates();
    assertSound('input.identity.ref', input.identity.ref);
    assertSound('input.externalUserId', input.externalUserId);
    const target = await findTarget(context, input);
    if (target instanceof UserError) return new LinkIdentityPayload(null, [target]);
    const { provider, ref: subjectRef } = input.identity;
    const now = context.now();
    const outcome = await context.store.linkIdentity({
      provider,
      subjectRef,
      userId: target,
      actor,
      now,
    });
    context.feed.wake();
    context.renew();
    return outcome.ok
      ? new LinkIdentityPayload(outcome, [])
      : new LinkIdentityPayload(null, [userNotFound('userId')]);
  }

  @FieldResolver(() => User, {
    nullable: true,
    description: 'The user to whom the account belongs now. Needs the scope `read` as well.',
  })
  async user(@Root() payload: LinkIdentityPayload, @Ctx() context: Context): Promise<User | null> {
    context.visibility.assertReads();
    return payload.userId === null ? null : loadUser(context, payload.userId);
  }

  @FieldResolver(() => Identity, {
    nullable: true,
    description: 'The account. Needs the scope `read` as well.',
  })
  async identity(
    @Root() payload: LinkIdentityPayload,
    @Ctx() context: Context,
  ): Promise<Identity | null> {
    context.visibility.assertReads();
    if (payload.userId === null) return null;
    const rows = await context.loaders.identitiesOf.load(payload.userId);
    const identities = rows.map((row) => new Identity(row));
    return identities.find((identity) => identity.id === payload.identityId) ?? null;
  }
}

async function findTarget(context: Context, input: LinkIdentityInput): Promise<number | UserError> {
  const userId = input.userId ?? null;
  const externalUserId = input.externalUserId ?? null;
  if ((userId === null) === (externalUserId === null)) {
    const message = 'expected exactly one of `userId` and `externalUserId`';
    return new UserError('TARGET_INVALID', message, ['input']);
  }
  if (userId !== null) return parseNodeId('User', userId, '`userId`');
  // Not from the view of the request, which may be older than a user opened a moment ago.
  const user =
    externalUserId === null ? null : await context.store.read.userByExternalId(externalUserId);
  return user ? user.id : userNotFound('externalUserId');
}

function userNotFound(field: string): UserError {
  return new UserError('USER_NOT_FOUND', 'expected the id of a user', ['input', field]);
}
