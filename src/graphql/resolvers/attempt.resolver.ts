/** The list of attempts, and fields of an attempt that load other types. */

import { Args, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { AttemptsArgs, toAttemptFilter, toAttemptOrder } from '../inputs/attempt.input';
import type { Connection } from '../relay/connection.type';
import { PageArgs, toPage } from '../relay/page';
import type { Context } from '../request/context';
import { VerificationAttempt, VerificationAttemptConnection } from '../types/attempt.type';
import { Level, loadLevel } from '../types/level.type';
import {
  loadStatusChanges,
  type StatusChange,
  StatusChangeConnection,
} from '../types/status-change.type';
import { loadUser, User } from '../types/user.type';

@Resolver(() => VerificationAttempt)
export class AttemptResolver {
  @Query(() => VerificationAttemptConnection.type, {
    description: 'Attempts of all users. For an end user, only their own.',
  })
  async verificationAttempts(
    @Args(() => AttemptsArgs) args: AttemptsArgs,
    @Ctx() context: Context,
  ): Promise<Connection<VerificationAttempt>> {
    context.visibility.assertCanRead();
    const filter = await toAttemptFilter(context, args.filter);
    const page = await context.read.attempts(filter, toAttemptOrder(args.orderBy), toPage(args));
    return VerificationAttemptConnection.create(
      page,
      (row) => new VerificationAttempt(row),
      () => context.read.countAttempts(filter),
    );
  }

  @FieldResolver(() => User, { description: 'The user of the attempt.' })
  user(@Root() attempt: VerificationAttempt, @Ctx() context: Context): Promise<User | null> {
    return loadUser(context, attempt.userId);
  }

  @FieldResolver(() => Level, { description: 'The level of the attempt.' })
  level(@Root() attempt: VerificationAttempt, @Ctx() context: Context): Promise<Level> {
    return loadLevel(context, attempt.levelKey);
  }

  @FieldResolver(() => StatusChangeConnection.type, {
    description: 'Status changes of this attempt, oldest first.',
  })
  statusChanges(
    @Root() attempt: VerificationAttempt,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<StatusChange>> {
    return loadStatusChanges(context, 'attempt', attempt.key, args);
  }
}
