/** The audit log. It has one entry per administrative action and per read of personal data. */

export const AUDIT_ACTIONS = [
  'API_KEY_CREATED',
  'API_KEY_REVOKED',
  'BACKUP_TAKEN',
  'DATA_KEYS_ROTATED',
  'DELIVERIES_REPLAYED',
  'ERASURE_REQUESTED',
  'IDENTITY_LINKED',
  'LEGAL_HOLD_RELEASED',
  'LEGAL_HOLD_SET',
  'LOG_TRIMMED',
  'PROFILE_READ',
  'RAW_BODY_READ',
  'RECONCILED',
  'RETENTION_APPLIED',
  'PROJECTION_RULES_CHANGED',
  'USER_CREATED',
  'USER_ERASED',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Numbers, codes and our own IDs. Never personal data: the log outlives an erasure. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface AuditAct {
  readonly action: AuditAction;
  /** See `apiKeyActor`, `cliActor` and `GATEWAY_ACTOR`. */
  readonly actor: string;
  /** Object of the action: `User:12`, `WebhookDelivery:7`, `ApiKey:3`. `null` if it concerns no single object. */
  readonly subject: string | null;
  /** Free text from the caller, stored as received. Callers must not include personal data. */
  readonly reason: string | null;
  readonly details: AuditDetails;
  readonly at: Date;
}

export interface AuditEntry extends AuditAct {
  /** 1, 2, 3 … in commit order, without gaps. */
  readonly seq: number;
  /** Hash of the previous entry. 64 zeros for the first entry. */
  readonly previous: string;
  /** HMAC-SHA-256 over `previous` and all other fields, as 64 hex digits. */
  readonly hash: string;
}

/** Position and hash of an entry. Proves later that no entry up to this one was modified or removed. */
export type AuditHead = Pick<AuditEntry, 'seq' | 'hash'>;

/** Actor of actions that the gateway performs on its own. */
export const GATEWAY_ACTOR = 'gateway';

/**
 * Returns the actor of an API key, for example `ApiKey:3 back office` or `ApiKey:bootstrap`.
 *
 * @param keyId - `null` for the bootstrap key, which is not stored.
 */
export function apiKeyActor(keyId: number | null, name: string): string {
  return keyId === null ? `ApiKey:${name}` : `ApiKey:${keyId} ${name}`;
}

/** Returns the actor of a CLI command, for example `cli:root`. @param account - Account name in the operating system. */
export function cliActor(account: string): string {
  return `cli:${account}`;
}
