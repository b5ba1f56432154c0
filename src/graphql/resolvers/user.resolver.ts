/** `user`, `users`, and fields of a user that load other types. */

import { Arg, Args, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { GatewayError } from '../../domain/errors';
import type { UserRow } from '../../store/read/reader';
import { REASON_DESCRIPTION } from '../access/personal-reads';
import { AttemptsArgs, toAttemptFilter, toAttemptOrder } from '../inputs/attempt.input';
import { IdentityInput, toUserFilter, toUserOrder, UsersArgs } from '../inputs/user.input';
import {
  toUserLevelFilter,
  toUserLevelPage,
  UserLevelFilterArgs,
  UserLevelsArgs,
} from '../inputs/user-level.input';
import type { Connection } from '../relay/connection.type';
import { parseNodeId } from '../relay/node-id';
import { PageArgs, toPage } from '../relay/page';
import type { Context } from '../request/context';
import { Personal } from '../request/personal';
import { VerificationAttempt, VerificationAttemptConnection } from '../types/attempt.type';
import { Credential } from '../types/credential.type';
import { Identity } from '../types/identity.type';
import { Profile } from '../types/profile.type';
import {
  loadStatusChanges,
  type StatusChange,
  StatusChangeConnection,
} from '../types/status-change.type';
import { User, UserConnection } from '../types/user.type';
import { UserLevel } from '../types/user-level.type';

@Resolver(() => User)
export class UserResolver {
  @Query(() => User, {
    nullable: true,
    description:
      'A user. Provide exactly one of the arguments. Null if the user does not exist or is not visible to you.',
  })
  async user(
    @Arg('id', () => ID, {
      nullable: true,
      description: 'Opaque ID. The ID of a merged user resolves to the merge target.',
    })
    id: string | null | undefined,
    @Arg('externalUserId', () => String, {
      nullable: true,
      description: 'Your ID for the user.',
    })
    externalUserId: string | null | undefined,
    @Arg('identity', () => IdentityInput, {
      nullable: true,
      description: 'An account of the user at a provider.',
    })
    identity: IdentityInput | null | undefined,
    @Ctx() context: Context,
  ): Promise<User | null> {
    context.visibility.assertCanRead();
    const row = await findUser(context, id ?? null, externalUserId ?? null, identity ?? null);
    const isVisible = await context.visibility.canSeeUser(row?.id ?? null);
    return row && isVisible ? new User(row) : null;
  }

  @Query(() => UserConnection.type, {
    description: 'All users. For an end user, only their own user.',
  })
  async users(
    @Args(() => UsersArgs) args: UsersArgs,
    @Ctx() context: Context,
  ): Promise<Connection<User>> {
    context.visibility.assertCanRead();
    const filter = await toUserFilter(context, args.filter);
    const page = await context.read.users(filter, toUserOrder(args.orderBy), toPage(args));
    return UserConnection.create(
      page,
      (row) => new User(row),
      () => context.read.countUsers(filter),
    );
  }

  @FieldResolver(() => [Identity], { description: "The user's accounts at providers." })
  async identities(@Root() user: User, @Ctx() context: Context): Promise<readonly Identity[]> {
    const rows = await context.loaders.identitiesByUser.load(user.key);
    return rows.map((row) => new Identity(row));
  }

  @FieldResolver(() => [UserLevel], {
    description:
      'The status of the user at each level, ordered by level key. If the list has as many entries as `first`, request the next page with `after`. `levelCount` is the total.',
  })
  async levels(
    @Root() user: User,
    @Args(() => UserLevelsArgs) args: UserLevelsArgs,
    @Ctx() context: Context,
  ): Promise<readonly UserLevel[]> {
    const filter = toUserLevelFilter(args);
    const rows = await context.loaders
      .levelPageByUser(filter, toUserLevelPage(args))
      .load(user.key);
    return rows.map((row) => new UserLevel(row));
  }

  @FieldResolver(() => Int, { description: 'Number of levels at which the user has a status.' })
  levelCount(
    @Root() user: User,
    @Args(() => UserLevelFilterArgs) args: UserLevelFilterArgs,
    @Ctx() context: Context,
  ): Promise<number> {
    return context.loaders.levelCountByUser(toUserLevelFilter(args)).load(user.key);
  }

  @FieldResolver(() => VerificationAttemptConnection.type, { description: 'Attempts of the user.' })
  async attempts(
    @Root() user: User,
    @Args(() => AttemptsArgs) args: AttemptsArgs,
    @Ctx() context: Context,
  ): Promise<Connection<VerificationAttempt>> {
    const filter = await toAttemptFilter(context, args.filter);
    const order = toAttemptOrder(args.orderBy);
    const page = await context.loaders.attemptsByUser(filter, order, toPage(args)).load(user.key);
    return VerificationAttemptConnection.create(
      page,
      (row) => new VerificationAttempt(row),
      () => context.loaders.attemptCountByUser(filter).load(user.key),
    );
  }

  @FieldResolver(() => StatusChangeConnection.type, {
    description: 'Status changes of the user, oldest first.',
  })
  statusChanges(
    @Root() user: User,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<StatusChange>> {
    return loadStatusChanges(context, 'user', user.key, args);
  }

  @FieldResolver(() => [Credential], { description: 'Reusable credentials issued to the user.' })
  async credentials(@Root() user: User, @Ctx() context: Context): Promise<readonly Credential[]> {
    const rows = await context.loaders.credentialsByUser.load(user.key);
    return rows.map((row) => new Credential(row));
  }

  @Personal()
  @FieldResolver(() => Profile, {
    nullable: true,
    description:
      'Personal data of the user. Requires the `pii:read` scope and, for API keys, a reason. Null if none is known.',
  })
  async profile(
    @Root() user: User,
    @Arg('reason', () => String, { nullable: true, description: REASON_DESCRIPTION })
    reason: string | null | undefined,
    @Ctx() context: Context,
  ): Promise<Profile | null> {
    const profile = await context.personal.readProfile(user.key, reason);
    return profile && new Profile(profile);
  }
}

async function findUser(
  context: Context,
  id: string | null,
  externalUserId: string | null,
  identity: IdentityInput | null,
): Promise<UserRow | null> {
  if ([id, externalUserId, identity].filter((argument) => argument !== null).length !== 1) {
    throw new GatewayError(
      'INPUT_INVALID',
      'Provide exactly one of `id`, `externalUserId` and `identity`.',
    );
  }
  if (id !== null) return context.loaders.user.load(parseNodeId('User', id, '`id`'));
  if (identity !== null) return context.read.userByIdentity(identity.provider, identity.ref);
  return externalUserId === null ? null : context.read.userByExternalId(externalUserId);
}
