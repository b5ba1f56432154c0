/** Authenticated callers and their rights. */

/**
 * Rights of an API key:
 *
 * - `read`: read all users, attempts, deliveries and changes, except personal data.
 * - `operate`: create and link users, and replay deliveries.
 * - `pii:read`: read personal data (profiles and raw bodies) of visible users.
 * - `audit:read`: read the audit log.
 * - `metrics`: read `/metrics`.
 * - `erase`: erase users, and set or release legal holds.
 */
export const SCOPES = ['read', 'operate', 'pii:read', 'audit:read', 'metrics', 'erase'] as const;
export type Scope = (typeof SCOPES)[number];

export type Principal = ApiKeyPrincipal | EndUserPrincipal;

export interface ApiKeyPrincipal {
  readonly kind: 'API_KEY';
  /** `null` for the bootstrap key, which exists only in the configuration. */
  readonly keyId: number | null;
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** Bearer of a JWT. Sees only their own user, attempts and changes. */
export interface EndUserPrincipal {
  readonly kind: 'USER';
  /** `sub` claim of the token. */
  readonly externalUserId: string;
  /** From the `scope` claim of the token. Only `pii:read` has an effect, for the user's own data. */
  readonly scopes: ReadonlySet<Scope>;
  readonly expiresAt: Date | null;
  readonly authenticatedAt: Date;
}
