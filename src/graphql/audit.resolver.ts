/** The audit log. For API keys with a scope of its own alone. */

import { Args, ArgsType, Ctx, Field, ID, InputType, Query, Resolver } from 'type-graphql';
import type { AuditAction } from '../domain/audit';
import { GatewayError } from '../domain/errors';
import type { AuditFilter as StoreFilter } from '../store/store';
import { AuditActionEnum, AuditEntry, AuditEntryConnection } from './audit.type';
import type { Connection } from './connection.type';
import type { Context } from './context';
import { DateTime } from './date-time.scalar';
import { given } from './given';
import { decodeNodeId } from './node-id';
import { PageArgs, toPage } from './page';
import { assertSound } from './sound-text';

@InputType({ description: 'Which entries of the audit log; all given conditions hold.' })
export class AuditFilter {
  @Field(() => [AuditActionEnum], { nullable: true, description: 'Of one of these acts.' })
  readonly action?: readonly AuditAction[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'By this doer, written as an entry has it, e.g. `ApiKey:3 back office`.',
  })
  readonly actor?: string | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'Done to this: the `id` of a user or of a delivery, or as an entry has it, e.g. `ApiKey:3`. A user is told by the number that they had then: one that has been merged into another since, by the old id.',
  })
  readonly subject?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'Done at this moment or later.' })
  readonly from?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Done before this moment.' })
  readonly before?: Date | null;
}

@ArgsType()
export class AuditLogArgs extends PageArgs {
  @Field(() => AuditFilter, { nullable: true, description: 'Which entries; without it, all.' })
  readonly filter?: AuditFilter | null;
}

@Resolver(() => AuditEntry)
export class AuditResolver {
  @Query(() => AuditEntryConnection.type, {
    description:
      'The audit log, newest first: administrative acts, and looks at personal data. Needs the scope `audit:read`, and no other.',
  })
  async auditLog(
    @Args(() => AuditLogArgs) args: AuditLogArgs,
    @Ctx() context: Context,
  ): Promise<Connection<AuditEntry>> {
    context.visibility.assertReadsAudit();
    const filter = toAuditFilter(args.filter ?? {});
    return AuditEntryConnection.of(
      await context.read.auditEntries(filter, toPage(args)),
      (entry) => new AuditEntry(entry),
      () => context.read.countAuditEntries(filter),
    );
  }
}

/** The entry with this number; `null` if there is none, or it is not the viewer's to see. */
export async function loadAuditEntry(context: Context, seq: number): Promise<AuditEntry | null> {
  if (!context.visibility.readsAudit) return null;
  const entry = await context.loaders.auditEntry.load(seq);
  return entry && new AuditEntry(entry);
}

function toAuditFilter(filter: AuditFilter): StoreFilter {
  const { subject, ...rest } = given(filter);
  assertSound('filter.actor', rest.actor);
  return subject === undefined ? rest : { ...rest, subject: toSubject(subject) };
}

/** @throws {GatewayError} INPUT_INVALID if it is neither an opaque id nor a kind with a number. */
function toSubject(text: string): string {
  const node = decodeNodeId(text);
  if (node !== null) return `${node.kind}:${node.key}`;
  if (/^[A-Za-z]{1,40}:\d{1,15}$/.test(text)) return text;
  throw new GatewayError('INPUT_INVALID', 'expected `filter.subject` to be an id, or as `User:12`');
}
