/** `statusChanged`: the change log as a subscription. */

import { Args, Ctx, Resolver, Root, Subscription } from 'type-graphql';
import type { Change } from '../../domain/change';
import { StatusChangedArgs } from '../inputs/status-change.input';
import type { Context } from '../request/context';
import { StatusChange } from '../types/status-change.type';
import { subscribeToChanges } from './status-stream';

@Resolver()
export class StatusSubscription {
  @Subscription(() => StatusChange, {
    description:
      'Status changes that are visible to you and match the filter, in the order of the log. With `after`: starts after ' +
      'this cursor, without gaps. Without it: starts with the next change. A user selected by `externalUserId`, or your ' +
      'own user, need not exist yet: the stream starts with their first change.',
    subscribe: ({ args, context }: { args: StatusChangedArgs; context: Context }) =>
      subscribeToChanges(context, args),
  })
  statusChanged(
    @Root() change: Change,
    @Args(() => StatusChangedArgs) _: StatusChangedArgs,
    @Ctx() context: Context,
  ): StatusChange {
    context.refresh(); // reads the fields of this item from current data
    return new StatusChange(change, context.store.logId);
  }
}
