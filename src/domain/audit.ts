/** The audit log: who did what on purpose, to whom, and why. One entry for each administrative act and each look at personal data. */

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

/** What an entry says beside its subject: numbers, codes, ids of ours. Never personal data: the log outlives an erasure. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface AuditAct {
  readonly action: AuditAction;
  /** See `apiKeyActor` and `cliActor`; `gateway` for what it does by itself. */
  readonly actor: string;
  /** What it was done to: `User:12`, `WebhookDelivery:7`, `ApiKey:3`; `null` for what concerns no single thing. */
  readonly subject: string | null;
  /** As whoever did it gave it; nothing in it is read. No personal data either: callers are told so. */
  readonly reason: string | null;
  readonly details: AuditDetails;
  readonly at: Date;
}

export interface AuditEntry extends AuditAct {
  /** 1, 2, 3 …, in the order of commit, without a gap. */
  readonly seq: number;
  /** Hash of the entry before it; 64 zeros for the first. */
  readonly previous: string;
  /** HMAC-SHA-256 over `previous` and all of the above, 64 hex digits. */
  readonly hash: string;
}

/** An entry by its place and its hash: enough to prove later that nothing up to it was changed or taken away. */
export type AuditHead = Pick<AuditEntry, 'seq' | 'hash'>;

/** The gateway itself, where nobody asked it to. */
export const GATEWAY_ACTOR = 'gateway';

/** @param keyId - `null` for the bootstrap key, which is not stored. @returns `ApiKey:3 back office`, `ApiKey:bootstrap`. */
export function apiKeyActor(keyId: number | null, name: string): string {
  return keyId === null ? `ApiKey:${name}` : `ApiKey:${keyId} ${name}`;
}

/** @param account - Name of the operating system's account. @returns e.g. `cli:root`. */
export function cliActor(account: string): string {
  return `cli:${account}`;
}
