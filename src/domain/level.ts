/** What is verified: a provider and a name of the provider's (or of its customer's) choosing. */

/** Slug of a vendor as in its webhook URL, e.g. `fractal-id`. */
export type ProviderId = string;

/** What an account or a user is. A company's approval never verifies a person, nor the reverse. */
export const SUBJECT_KINDS = ['PERSON', 'COMPANY'] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/**
 * ACTION levels check one action (a payment method, say) and never count toward a user's status. Where several kinds are
 * told of one level, the one further down holds, whatever the order.
 */
export const LEVEL_KINDS = ['LEVEL', 'ADD_ON', 'ACTION'] as const;
export type LevelKind = (typeof LEVEL_KINDS)[number];

export function lesserKind(a: LevelKind, b: LevelKind): LevelKind {
  return LEVEL_KINDS.indexOf(a) > LEVEL_KINDS.indexOf(b) ? a : b;
}

export interface Level {
  readonly provider: ProviderId;
  readonly name: string;
  readonly kind: LevelKind;
}

/** `provider/name`, e.g. `sumsub/basic-kyc-level`. The name may hold further slashes; the provider holds none. */
export type LevelKey = string;

export function levelKey(provider: ProviderId, name: string): LevelKey {
  return `${provider}/${name}`;
}

export function splitLevelKey(key: LevelKey): {
  readonly provider: ProviderId;
  readonly name: string;
} {
  const slash = key.indexOf('/');
  return { provider: key.slice(0, slash), name: key.slice(slash + 1) };
}
