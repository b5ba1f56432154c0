/** How entries of the audit log are chosen. */

import { ArgsType, Field, ID, InputType } from 'type-graphql';
import type { AuditAction } from '../../domain/audit';
import { GatewayError } from '../../domain/errors';
import type { AuditFilter as StoreFilter } from '../../store/read/filters';
import { DateTime } from '../relay/date-time.scalar';
import { decodeNodeId } from '../relay/node-id';
import { omitNullish } from '../relay/omit-nullish';
import { PageArgs } from '../relay/page';
import { AuditActionEnum } from '../types/audit.type';

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

/** The filter as the store understands it. @throws {GatewayError} INPUT_INVALID for a subject that can be none. */
export function toAuditFilter(filter: AuditFilter | null | undefined): StoreFilter {
  const { subject, ...rest } = omitNullish(filter ?? {});
  return subject === undefined ? rest : { ...rest, subject: toSubject(subject) };
}

/** @throws {GatewayError} INPUT_INVALID if it is neither an opaque id nor a kind with a number. */
function toSubject(text: string): string {
  const node = decodeNodeId(text);
  if (node !== null) return `${node.kind}:${node.key}`;
  if (/^[A-Za-z]{1,40}:\d{1,15}$/.test(text)) return text;
  throw new GatewayError(
    'INPUT_INVALID',
    '`filter.subject` must be the `id` of an object, or written as `User:12`.',
  );
}
