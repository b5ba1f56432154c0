/** `linkIdentity`: links an account at a provider to a user. */

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
  description: 'The identity and the user. Provide exactly one of `userId` and `externalUserId`.',
})
export class LinkIdentityInput extends UserTarget {
  @Field(() => IdentityInput, {
    description: 'The account at the provider. It may be unknown to the gateway.',
  })
  readonly identity!: IdentityInput;
}

@ObjectType({ description: 'Result of `linkIdentity`.' })
export class LinkIdentityPayload extends MutationPayload {
  /** For the field `user`. */
  readonly userId: number | null;

  /** For the field `identity`. */
  readonly identityId: string | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'ID of the user that was merged into this one. It still resolves to this user. Null if no users were merged.',
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
      'Links an account at a provider to a user. If the account was the only one of another user, the two users merge permanently, and the change log records the merge. Otherwise only the account moves. Idempotent. Requires the `operate` scope.',
  })
  async linkIdentity(
    @Arg('input', () => LinkIdentityInput, { description: 'The identity and the user.' })
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
    description:
      'The user of the identity after the link. Null if the mutation failed. Also requires the `read` scope.',
  })
  async user(@Root() payload: LinkIdentityPayload, @Ctx() context: Context): Promise<User | null> {
    context.visibility.assertCanRead();
    return payload.userId === null ? null : loadUser(context, payload.userId);
  }

  @FieldResolver(() => Identity, {
    nullable: true,
    description: 'The identity. Null if the mutation failed. Also requires the `read` scope.',
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
    'The identity and the user must be of the same kind: persons or companies.',
    ['input', 'identity'],
  ),
  USER_NOT_FOUND: userNotFound('userId'),
  USER_ERASED: userErased('userId'),
};
