/** Attempts: the list of all, and what hangs on one. */

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
    description: 'Attempts of all users; for an end user, their own.',
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

  @FieldResolver(() => User, { description: 'Whose attempt it is.' })
  user(@Root() attempt: VerificationAttempt, @Ctx() context: Context): Promise<User | null> {
    return loadUser(context, attempt.userId);
  }

  @FieldResolver(() => Level, { description: 'At which level.' })
  level(@Root() attempt: VerificationAttempt, @Ctx() context: Context): Promise<Level> {
    return loadLevel(context, attempt.levelKey);
  }

  @FieldResolver(() => StatusChangeConnection.type, {
    description: 'What the log says about this attempt, oldest first.',
  })
  statusChanges(
    @Root() attempt: VerificationAttempt,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<StatusChange>> {
    return loadStatusChanges(context, 'attempt', attempt.key, args);
  }
}
