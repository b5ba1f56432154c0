/** The change log as a list, and what hangs on one entry. */

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
      'The change log, oldest first; for an end user, what is about them. `after` and `before` take cursors of the log: `cursor` of a status change, or of a query.',
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
      'Head of the change log as of the snapshot on which this response is answered: what `statusChanged(after:)` ' +
      'gives from here on is exactly what this response does not know yet.',
  })
  async cursor(@Ctx() context: Context): Promise<string> {
    context.visibility.assertCanRead();
    const { head } = await context.read.logState();
    return encodeCursor(context.store.logId, head);
  }

  @FieldResolver(() => User, { description: 'Whom it is about; after a merge, the merged user.' })
  user(@Root() change: StatusChange, @Ctx() context: Context): Promise<User | null> {
    return loadUser(context, change.userId);
  }

  @FieldResolver(() => Level, {
    nullable: true,
    description: 'The level that it is about, if any.',
  })
  async level(@Root() change: StatusChange, @Ctx() context: Context): Promise<Level | null> {
    return change.levelKey === null ? null : loadLevel(context, change.levelKey);
  }

  @FieldResolver(() => VerificationAttempt, {
    nullable: true,
    description: 'The attempt that it is about, if any, as it is now.',
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
    description: 'The webhook that brought it, if one did. Always null for end users.',
  })
  async delivery(
    @Root() cause: ChangeCause,
    @Ctx() context: Context,
  ): Promise<WebhookDelivery | null> {
    return cause.deliveryId === null ? null : loadDelivery(context, cause.deliveryId);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Who did it, if somebody did: the name of an API key. Always null for end users.',
  })
  actor(@Root() cause: ChangeCause, @Ctx() context: Context): string | null {
    return context.visibility.canReadOperations ? cause.actorName : null;
  }
}
