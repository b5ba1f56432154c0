/** The change log as a list, and fields of an entry that load other types. */

import { Args, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { encodeCursor } from '../../domain/cursor';
import { StatusChangesArgs, toChangeFilter } from '../inputs/status-change.input';
import type { Connection } from '../relay/connection.type';
import { toLogPage } from '../relay/log-page';
import type { Context } from '../request/context';
import { loadAttempt, VerificationAttempt } from '../types/attempt.type';
import { loadDelivery, WebhookDelivery } from '../types/delivery.type';
import { Level, loadLevel } from '../types/level.type';
import { ChangeCause, StatusChange, StatusChangeConnection } from '../types/status-change.type';
import { loadUser, User } from '../types/user.type';

@Resolver(() => StatusChange)
export class StatusChangeResolver {
  @Query(() => StatusChangeConnection.type, {
    description:
      'The change log, oldest first. For an end user, only changes of their own. `after` and `before` take a `cursor` of a status change or of `Query.cursor`.',
  })
  async statusChanges(
    @Args(() => StatusChangesArgs) args: StatusChangesArgs,
    @Ctx() context: Context,
  ): Promise<Connection<StatusChange>> {
    context.visibility.assertCanRead();
    const filter = await toChangeFilter(context, args.filter);
    return StatusChangeConnection.create(
      await context.read.changes(filter, await toLogPage(context, args)),
      (change) => new StatusChange(change, context.store.logId),
      () => context.read.countChanges(filter),
    );
  }

  @Query(() => String, {
    description:
      'Head of the change log in the snapshot of this response. `statusChanged` with this cursor as `after` returns ' +
      'exactly the changes that this response does not include.',
  })
  async cursor(@Ctx() context: Context): Promise<string> {
    context.visibility.assertCanRead();
    const { head } = await context.read.logState();
    return encodeCursor(context.store.logId, head);
  }

  @FieldResolver(() => User, {
    description: 'The user that the change concerns. After a merge, the merge target.',
  })
  user(@Root() change: StatusChange, @Ctx() context: Context): Promise<User | null> {
    return loadUser(context, change.userId);
  }

  @FieldResolver(() => Level, {
    nullable: true,
    description: 'The level that the change concerns. Null if it concerns none.',
  })
  async level(@Root() change: StatusChange, @Ctx() context: Context): Promise<Level | null> {
    return change.levelKey === null ? null : loadLevel(context, change.levelKey);
  }

  @FieldResolver(() => VerificationAttempt, {
    nullable: true,
    description:
      'The attempt that the change concerns, in its current state. Null if the change concerns none.',
  })
  async attempt(
    @Root() change: StatusChange,
    @Ctx() context: Context,
  ): Promise<VerificationAttempt | null> {
    return change.attemptId === null ? null : loadAttempt(context, change.attemptId);
  }
}

@Resolver(() => ChangeCause)
export class ChangeCauseResolver {
  @FieldResolver(() => WebhookDelivery, {
    nullable: true,
    description:
      'The delivery that caused the change. Null if the cause is not a delivery, and always null for end users.',
  })
  async delivery(
    @Root() cause: ChangeCause,
    @Ctx() context: Context,
  ): Promise<WebhookDelivery | null> {
    return cause.deliveryId === null ? null : loadDelivery(context, cause.deliveryId);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description:
      'Name of the API key that caused the change. Null if no operator did, and always null for end users.',
  })
  actor(@Root() cause: ChangeCause, @Ctx() context: Context): string | null {
    return context.visibility.canReadOperations ? cause.actorName : null;
  }
}
