/** `node(id:)`: whatever can be fetched again by its id. */

import { Arg, Ctx, FieldResolver, ID, Query, Resolver } from 'type-graphql';
import { Node } from '../relay/node.type';
import { decodeNodeId, type NodeKind } from '../relay/node-id';
import type { Context } from '../request/context';
import { loadAttempt } from '../types/attempt.type';
import { loadAuditEntry } from '../types/audit.type';
import { loadDelivery } from '../types/delivery.type';
import { StatusChange } from '../types/status-change.type';
import { loadUser, User } from '../types/user.type';
import { Viewer } from '../types/viewer.type';

@Resolver()
export class NodeResolver {
  @Query(() => Node, {
    nullable: true,
    description:
      'The thing with this id. Null if there is none, and just so if it is not yours to see or the id is no id.',
  })
  async node(
    @Arg('id', () => ID, { description: 'An `id` as given by this API.' }) id: string,
    @Ctx() context: Context,
  ): Promise<Node | null> {
    const decoded = decodeNodeId(id);
    const audit = decoded?.kind === 'AuditEntry' && context.visibility.canReadAudit;
    if (!audit) context.visibility.assertCanRead();
    return decoded && LOAD[decoded.kind](context, decoded.key);
  }
}

const LOAD: Record<NodeKind, (context: Context, key: number) => Promise<Node | null>> = {
  User: loadUser,
  VerificationAttempt: loadAttempt,

  async StatusChange(context, key) {
    const change = await context.loaders.change.load(key);
    const isVisible = await context.visibility.canSeeUser(change?.userId ?? null);
    return change && isVisible ? new StatusChange(change, context.store.logId) : null;
  },

  WebhookDelivery: loadDelivery,
  AuditEntry: loadAuditEntry,

  // Parts of a user: they have ids to tell them apart, and are fetched with the user.
  Identity: async () => null,
  Credential: async () => null,
};

@Resolver(() => Viewer)
export class ViewerResolver {
  @Query(() => Viewer, { description: 'Who is asking, and what they may do.' })
  viewer(@Ctx() context: Context): Viewer {
    return new Viewer(context.principal);
  }

  @FieldResolver(() => User, {
    nullable: true,
    description: 'For an end user: their user, once the gateway has heard of them. Else null.',
  })
  async user(@Ctx() context: Context): Promise<User | null> {
    const row = await context.visibility.ownUser();
    return row && new User(row);
  }
}
