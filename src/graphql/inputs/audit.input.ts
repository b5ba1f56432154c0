/** Filter of the audit log. */

import { ArgsType, Field, ID, InputType } from 'type-graphql';
import type { AuditAction } from '../../domain/audit';
import { GatewayError } from '../../domain/errors';
import type { AuditFilter as StoreFilter } from '../../store/read/filters';
import { DateTime } from '../relay/date-time.scalar';
import { decodeNodeId } from '../relay/node-id';
import { omitNullish } from '../relay/omit-nullish';
import { PageArgs } from '../relay/page';
import { AuditActionEnum } from '../types/audit.type';

@InputType({ description: 'Conditions on audit entries. All of them must match.' })
export class AuditFilter {
  @Field(() => [AuditActionEnum], {
    nullable: true,
    description: 'Only entries with one of these actions.',
  })
  readonly action?: readonly AuditAction[] | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Only entries of this actor, spelled as in an entry, for example `ApiKey:3 back office`.',
  })
  readonly actor?: string | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'Only entries about this object: the `id` of a user or a delivery, or the spelling of an entry, for example `ApiKey:3`. Entries from before a merge have the old ID of the user.',
  })
  readonly subject?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'Only entries at or after this time.' })
  readonly from?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Only entries before this time.' })
  readonly before?: Date | null;
}

@ArgsType()
export class AuditLogArgs extends PageArgs {
  @Field(() => AuditFilter, {
    nullable: true,
    description: 'Conditions on the entries. Default: all entries.',
  })
  readonly filter?: AuditFilter | null;
}

/**
 * Converts the filter for the store.
 *
 * @throws {GatewayError} INPUT_INVALID for a malformed subject.
 */
export function toAuditFilter(filter: AuditFilter | null | undefined): StoreFilter {
  const { subject, ...rest } = omitNullish(filter ?? {});
  return subject === undefined ? rest : { ...rest, subject: toSubject(subject) };
}

/** @throws {GatewayError} INPUT_INVALID if `text` is neither an opaque ID nor a kind with a number. */
function toSubject(text: string): string {
  const node = decodeNodeId(text);
  if (node !== null) return `${node.kind}:${node.key}`;
  if (/^[A-Za-z]{1,40}:\d{1,15}$/.test(text)) return text;
  throw new GatewayError(
    'INPUT_INVALID',
    '`filter.subject` must be the `id` of an object, or written as `User:12`.',
  );
}
