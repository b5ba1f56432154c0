/** Verification levels: a provider and a name that the provider or its customer chose. */

/** Slug of a provider in webhook URLs, rows and logs, for example `fractal-id`. */
export type ProviderId = string;

/** Kind of an account or a user. An approval of a company never verifies a person, and vice versa. */
export const SUBJECT_KINDS = ['PERSON', 'COMPANY'] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/**
 * ACTION levels check one action (for example a payment method) and never count toward a user's status. If the events of one
 * level have several kinds, the last of them in this list applies, regardless of their order.
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

/** `provider/name`, for example `sumsub/basic-kyc-level`. The name may contain slashes; the provider contains none. */
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
