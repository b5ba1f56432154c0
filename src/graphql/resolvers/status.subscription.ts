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
      'Every status change the viewer may see, after `after` if given (from the log, nothing skipped), else from now on. ' +
      'A user who is filtered for, or is the viewer, need not exist yet: they are followed from their first change on.',
    subscribe: ({ args, context }: { args: StatusChangedArgs; context: Context }) =>
      subscribeToChanges(context, args),
  })
  statusChanged(
    @Root() change: Change,
    @Args(() => StatusChangedArgs) _: StatusChangedArgs,
    @Ctx() context: Context,
  ): StatusChange {
    context.refresh(); // what hangs on this item is read as it is now, not as it was when the subscription began
    return new StatusChange(change, context.store.logId);
  }
}
