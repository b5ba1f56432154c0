/** Who is asking, and what they may see and do. */

/**
 * `read`: see every user, attempt, delivery and change, but no personal data. `operate`: create, link, replay.
 * `pii:read`: see personal data (profiles, raw bodies) of whomever one may see. `audit:read`: read the audit log.
 * `metrics`: read `/metrics`. `erase`: erase users, and hold them for good reason.
 */
export const SCOPES = ['read', 'operate', 'pii:read', 'audit:read', 'metrics', 'erase'] as const;
export type Scope = (typeof SCOPES)[number];

export type Principal = ApiKeyPrincipal | EndUserPrincipal;

export interface ApiKeyPrincipal {
  readonly kind: 'API_KEY';
  /** `null` for the bootstrap key, which lives in the configuration alone. */
  readonly keyId: number | null;
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** The bearer of a JWT: sees their own user, attempts and changes, and nothing else. */
export interface EndUserPrincipal {
  readonly kind: 'USER';
  /** `sub` of the token. */
  readonly externalUserId: string;
  /** From the token's `scope` claim; only `pii:read` means anything, and only for their own data. */
  readonly scopes: ReadonlySet<Scope>;
  readonly expiresAt: Date | null;
  /** When the token was shown. */
  readonly since: Date;
}
