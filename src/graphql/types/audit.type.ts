/** An entry of the audit log. */

import { Field, Int, ObjectType } from 'type-graphql';
import type { AuditAction, AuditDetails, AuditEntry as DomainEntry } from '../../domain/audit';
import { literalEnum } from '../enums/literal-enum';
import { createConnectionType, Node } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { encodeNodeId } from '../relay/node-id';
import type { Context } from '../request/context';

export const AuditActionEnum = literalEnum<AuditAction>(
  'AuditAction',
  'Action in the audit log. Later versions may add values.',
  {
    API_KEY_CREATED: 'An API key was created.',
    API_KEY_REVOKED: 'An API key was revoked.',
    BACKUP_TAKEN: 'A backup of the database was taken.',
    DATA_KEYS_ROTATED: 'Data was re-encrypted with another master key.',
    DELIVERIES_REPLAYED:
      'Stored deliveries were replayed. Each step of a replay has its own entry.',
    ERASURE_REQUESTED: 'The erasure of a user was requested and is postponed.',
    IDENTITY_LINKED: 'An identity was linked to a user.',
    LEGAL_HOLD_RELEASED: 'The legal hold of a user was released.',
    LEGAL_HOLD_SET: 'A legal hold was set on a user.',
    LOG_TRIMMED: 'The oldest entries of the change log were deleted.',
    PROFILE_READ: 'An API key read the profile of a user.',
    RAW_BODY_READ: 'An API key read the raw body of a delivery.',
    RECONCILED: 'An operator ran status checks.',
    RETENTION_APPLIED: 'Raw bodies were purged after their retention period.',
    PROJECTION_RULES_CHANGED:
      'The projection rules changed, and the gateway reprojected all users.',
    USER_CREATED: 'An operator created a user.',
    USER_ERASED: 'A user was erased.',
  },
);

@ObjectType({ description: 'A detail of an entry of the audit log.' })
export class AuditDetail {
  @Field(() => String, { description: 'Name of the detail, for example `mergedUserId`.' })
  readonly name: string;

  @Field(() => String, { description: 'Value as text: a number, an ID or a code.' })
  readonly value: string;

  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
  }
}

@ObjectType({
  implements: Node,
  description:
    'An entry of the audit log: an administrative action or an access to personal data. Entries never change, and each contains the hash of the previous one.',
})
export class AuditEntry implements Node {
  readonly id: string;

  @Field(() => Int, { description: 'Position in the log: 1, 2, 3, without gaps.' })
  readonly seq: number;

  @Field(() => DateTime, { description: 'Time of the action.' })
  readonly at: Date;

  @Field(() => AuditActionEnum, { description: 'The action.' })
  readonly action: AuditAction;

  @Field(() => String, {
    description:
      'The actor: `ApiKey:3 back office` (number and name of the key), `ApiKey:bootstrap`, `cli:root` (operating system account) or `gateway`.',
  })
  readonly actor: string;

  @Field(() => String, {
    nullable: true,
    description:
      'The object of the action: `User:12`, `WebhookDelivery:7` or `ApiKey:3`. Null if the action has no single object.',
  })
  readonly subject: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The reason that the actor gave. Null if the action has none.',
  })
  readonly reason: string | null;

  @Field(() => [AuditDetail], { description: 'Details of the action, without personal data.' })
  readonly details: readonly AuditDetail[];

  @Field(() => String, {
    description: 'Hash of the previous entry. 64 zeros for the first entry.',
  })
  readonly previous: string;

  @Field(() => String, {
    description:
      'HMAC-SHA-256 of the other fields with a secret of this gateway. `kyc-gateway audit verify` checks it.',
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

/** Loads an entry by number. Returns null if it does not exist or the viewer may not see it. */
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
