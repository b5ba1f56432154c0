/** The audit log. Requires an API key with the `audit:read` scope. */

import { Args, Ctx, Query, Resolver } from 'type-graphql';
import { AuditLogArgs, toAuditFilter } from '../inputs/audit.input';
import type { Connection } from '../relay/connection.type';
import { toPage } from '../relay/page';
import type { Context } from '../request/context';
import { AuditEntry, AuditEntryConnection } from '../types/audit.type';

@Resolver(() => AuditEntry)
export class AuditResolver {
  @Query(() => AuditEntryConnection.type, {
    description:
      'The audit log, newest first: administrative actions and accesses to personal data. Requires only the `audit:read` scope.',
  })
  async auditLog(
    @Args(() => AuditLogArgs) args: AuditLogArgs,
    @Ctx() context: Context,
  ): Promise<Connection<AuditEntry>> {
    context.visibility.assertCanReadAudit();
    const filter = toAuditFilter(args.filter);
    return AuditEntryConnection.create(
      await context.read.auditEntries(filter, toPage(args)),
      (entry) => new AuditEntry(entry),
      () => context.read.countAuditEntries(filter),
    );
  }
}
