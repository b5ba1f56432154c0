/** Deliveries: the list of all, and what hangs on one. For operators alone. */

import { Arg, Args, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { REASON_DESCRIPTION } from '../access/personal-reads';
import { DeliveriesArgs, toDeliveryFilter } from '../inputs/delivery.input';
import type { Connection } from '../relay/connection.type';
import { PageArgs, toPage } from '../relay/page';
import type { Context } from '../request/context';
import { Personal } from '../request/personal';
import { WebhookDelivery, WebhookDeliveryConnection } from '../types/delivery.type';
import {
  loadStatusChanges,
  type StatusChange,
  StatusChangeConnection,
} from '../types/status-change.type';
import { loadUser, User } from '../types/user.type';

@Resolver(() => WebhookDelivery)
export class DeliveryResolver {
  @Query(() => WebhookDeliveryConnection.type, {
    description: 'Deliveries, newest first. Not open to end users.',
  })
  async webhookDeliveries(
    @Args(() => DeliveriesArgs) args: DeliveriesArgs,
    @Ctx() context: Context,
  ): Promise<Connection<WebhookDelivery>> {
    context.visibility.assertCanReadOperations();
    const filter = await toDeliveryFilter(context, args.filter);
    return WebhookDeliveryConnection.create(
      await context.read.deliveries(filter, toPage(args)),
      (row) => new WebhookDelivery(row),
      () => context.read.countDeliveries(filter),
    );
  }

  @FieldResolver(() => User, { nullable: true, description: 'The user that it is about, if any.' })
  async user(@Root() delivery: WebhookDelivery, @Ctx() context: Context): Promise<User | null> {
    return delivery.userId === null ? null : loadUser(context, delivery.userId);
  }

  @Personal()
  @FieldResolver(() => String, {
    nullable: true,
    description:
      'The body as received, read as UTF-8. Personal data: needs the scope `pii:read` and a reason. Null once its key is destroyed.',
  })
  async rawBody(
    @Root() delivery: WebhookDelivery,
    @Arg('reason', () => String, { nullable: true, description: REASON_DESCRIPTION })
    reason: string | null | undefined,
    @Ctx() context: Context,
  ): Promise<string | null> {
    const body = await context.personal.readRawBody(delivery.key, reason);
    return body === null ? null : body.toString('utf8');
  }

  @FieldResolver(() => StatusChangeConnection.type, {
    description: 'What it changed, oldest first.',
  })
  statusChanges(
    @Root() delivery: WebhookDelivery,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<StatusChange>> {
    return loadStatusChanges(context, 'delivery', delivery.key, args);
  }
}
