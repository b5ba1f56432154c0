/** Root fields without a list: `viewer` and `node`. */

import { Arg, Ctx, FieldResolver, ID, Query, Resolver } from 'type-graphql';
import { Node } from '../relay/connection.type';
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
      'The object with this ID. Null if it does not exist, is not visible to you, or the ID is malformed.',
  })
  async node(
    @Arg('id', () => ID, { description: 'An `id` returned by this API.' }) id: string,
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

  // Parts of a user, fetched with the user. Their IDs only distinguish them.
  Identity: async () => null,
  Credential: async () => null,
};

@Resolver(() => Viewer)
export class ViewerResolver {
  @Query(() => Viewer, { description: 'The authenticated caller and its scopes.' })
  viewer(@Ctx() context: Context): Viewer {
    return new Viewer(context.principal);
  }

  @FieldResolver(() => User, {
    nullable: true,
    description: "The caller's own user. Null for API keys, and until the gateway knows the user.",
  })
  async user(@Ctx() context: Context): Promise<User | null> {
    const row = await context.visibility.ownUser();
    return row && new User(row);
  }
}
