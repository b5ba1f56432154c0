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
import { IdentityInput } from '../inputs/user.input';
import { findTarget, UserTarget, userErased, userNotFound } from '../inputs/user-target';
import { encodeNodeId } from '../relay/node-id';
import type { Context } from '../request/context';
import { Identity } from '../types/identity.type';
import { loadUser, User } from '../types/user.type';
import { MutationPayload, UserError } from '../types/user-error.type';

@InputType({
  description:
    'Which identity belongs to which user. Exactly one of `userId` and `externalUserId`.',
})
export class LinkIdentityInput extends UserTarget {
  @Field(() => IdentityInput, { description: 'The account. It need not have been heard of yet.' })
  readonly identity!: IdentityInput;
}

@ObjectType({ description: 'What came of `linkIdentity`.' })
export class LinkIdentityPayload extends MutationPayload {
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

  constructor(
    link: {
      readonly userId: number;
      readonly identityId: number;
      readonly mergedUserId: number | null;
    } | null,
    userErrors: readonly UserError[],
  ) {
    super(userErrors);
    const mergedUserId = link?.mergedUserId ?? null;
    this.userId = link?.userId ?? null;
    this.identityId = link && encodeNodeId('Identity', link.identityId);
    this.mergedUserId = mergedUserId === null ? null : encodeNodeId('User', mergedUserId);
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
    const operator = context.visibility.assertCanOperate();
    const target = await findTarget(context, input);
    if (target instanceof UserError) return new LinkIdentityPayload(null, [target]);
    const { provider, ref: subjectRef } = input.identity;
    const now = context.now();
    const outcome = await context.store.linkIdentity({
      provider,
      subjectRef,
      userId: target,
      ...operator,
      now,
    });
    context.feed.wake();
    context.refresh();
    return outcome.ok
      ? new LinkIdentityPayload(outcome, [])
      : new LinkIdentityPayload(null, [USER_ERRORS[outcome.fault]]);
  }

  @FieldResolver(() => User, {
    nullable: true,
    description: 'The user to whom the account belongs now. Needs the scope `read` as well.',
  })
  async user(@Root() payload: LinkIdentityPayload, @Ctx() context: Context): Promise<User | null> {
    context.visibility.assertCanRead();
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
    context.visibility.assertCanRead();
    if (payload.userId === null) return null;
    const rows = await context.loaders.identitiesByUser.load(payload.userId);
    const identities = rows.map((row) => new Identity(row));
    return identities.find((identity) => identity.id === payload.identityId) ?? null;
  }
}

const USER_ERRORS = {
  KIND_MISMATCH: new UserError(
    'KIND_MISMATCH',
    'expected accounts of one kind: either all of a person, or all of a company',
    ['input', 'identity'],
  ),
  USER_NOT_FOUND: userNotFound('userId'),
  USER_ERASED: userErased('userId'),
};
