/** One entry of the audit log. */

import { Field, Int, ObjectType } from 'type-graphql';
import type { AuditAction, AuditDetails, AuditEntry as DomainEntry } from '../../domain/audit';
import { literalEnum } from '../enums/literal-enum';
import { createConnectionType } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { Node } from '../relay/node.type';
import { encodeNodeId } from '../relay/node-id';
import type { Context } from '../request/context';

export const AuditActionEnum = literalEnum<AuditAction>(
  'AuditAction',
  'What was done. More words may come.',
  {
    API_KEY_CREATED: 'An API key was made.',
    API_KEY_REVOKED: 'An API key was ended.',
    BACKUP_TAKEN: 'A copy of the database was taken, with all that is in it.',
    DATA_KEYS_ROTATED: 'Data was sealed again under another master key.',
    DELIVERIES_REPLAYED: 'Kept deliveries were applied again: one entry for each step of it.',
    ERASURE_REQUESTED: 'A user is to be erased, and may not be yet.',
    IDENTITY_LINKED: 'An account at a vendor was tied to a user.',
    LEGAL_HOLD_RELEASED: 'A user may be erased again.',
    LEGAL_HOLD_SET: 'A user must not be erased.',
    LOG_TRIMMED: 'The oldest entries of the change log were dropped.',
    PROFILE_READ: 'The profile of a user was shown to an API key.',
    RAW_BODY_READ: 'The body of a delivery was shown to an API key.',
    RECONCILED: 'Vendors were asked about accounts, by hand.',
    RETENTION_APPLIED: 'What was kept long enough was emptied.',
    PROJECTION_RULES_CHANGED: 'The rules were others than before, and everybody was judged anew.',
    USER_CREATED: 'A user was opened by an operator.',
    USER_ERASED: 'A user was erased.',
  },
);

@ObjectType({ description: 'One particular of an entry of the audit log.' })
export class AuditDetail {
  @Field(() => String, { description: 'What it is, e.g. `mergedUserId`.' })
  readonly name: string;

  @Field(() => String, { description: 'A number, a word or a code, as text.' })
  readonly value: string;

  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
  }
}

@ObjectType({
  implements: Node,
  description:
    'One entry of the audit log: an administrative act, or a look at personal data. Entries are never changed, and each holds the hash of the one before it.',
})
export class AuditEntry implements Node {
  readonly id: string;

  @Field(() => Int, { description: 'Its place in the log: 1, 2, 3 …, without a gap.' })
  readonly seq: number;

  @Field(() => DateTime, { description: 'When it was done.' })
  readonly at: Date;

  @Field(() => AuditActionEnum, { description: 'What was done.' })
  readonly action: AuditAction;

  @Field(() => String, {
    description:
      'Who did it: `ApiKey:3 back office` (number and name of the key), `ApiKey:bootstrap`, `cli:root` (the account of the operating system), or `gateway`.',
  })
  readonly actor: string;

  @Field(() => String, {
    nullable: true,
    description:
      'To what, by our own number: `User:12`, `WebhookDelivery:7`, `ApiKey:3`. Null if it concerns no single thing.',
  })
  readonly subject: string | null;

  @Field(() => String, { nullable: true, description: 'Why, as whoever did it has put it.' })
  readonly reason: string | null;

  @Field(() => [AuditDetail], { description: 'What else there is to say; nothing personal.' })
  readonly details: readonly AuditDetail[];

  @Field(() => String, {
    description: 'Hash of the entry before this one; 64 zeros for the first.',
  })
  readonly previous: string;

  @Field(() => String, {
    description:
      'HMAC-SHA-256 over all of the above, under a secret of this gateway: `kyc-gateway audit verify` proves it.',
  })
  readonly hash: string;

  constructor(entry: DomainEntry) {
    this.id = encodeNodeId('AuditEntry', entry.seq);
    this.seq = entry.seq;
    this.at = entry.at;
    this.action = entry.action;
    this.actor = entry.actor;
    this.subject = entry.subject;
    this.reason = entry.reason;
    this.details = toDetails(entry.details);
    this.previous = entry.previous;
    this.hash = entry.hash;
  }
}

export const AuditEntryConnection = createConnectionType('AuditEntry', 'entries', () => AuditEntry);

/** The entry with this number; `null` if there is none, or it is not the viewer's to see. */
export async function loadAuditEntry(context: Context, seq: number): Promise<AuditEntry | null> {
  if (!context.visibility.canReadAudit) return null;
  const entry = await context.loaders.auditEntry.load(seq);
  return entry && new AuditEntry(entry);
}

function toDetails(details: AuditDetails): readonly AuditDetail[] {
  return Object.entries(details).flatMap(([name, value]) =>
    value === null ? [] : [new AuditDetail(name, String(value))],
  );
}
