/** The list of deliveries, and fields of a delivery that load other types. Not available to end users. */

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
    description: 'Deliveries, newest first. Not available to end users.',
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

  @FieldResolver(() => User, {
    nullable: true,
    description: 'The user that the delivery concerns. Null if it concerns none.',
  })
  async user(@Root() delivery: WebhookDelivery, @Ctx() context: Context): Promise<User | null> {
    return delivery.userId === null ? null : loadUser(context, delivery.userId);
  }

  @Personal()
  @FieldResolver(() => String, {
    nullable: true,
    description:
      'The body as received, decoded as UTF-8. Requires the `pii:read` scope and a reason. Null if the body was purged or its data key was destroyed.',
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
    description: 'Status changes caused by this delivery, oldest first.',
  })
  statusChanges(
    @Root() delivery: WebhookDelivery,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<StatusChange>> {
    return loadStatusChanges(context, 'delivery', delivery.key, args);
  }
}
