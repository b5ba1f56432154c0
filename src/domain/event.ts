/** Normalized events: the common format of all providers. */

import type { Instant } from './instant';
import type { LevelKind } from './level';
import type { AttemptStatus, VerificationStatus } from './status';

/** Reasons of a rejection or a manual review. `OTHER` if no code matches the provider's reason. */
export const REASON_CODES = [
  'AGE_REQUIREMENT',
  'AML',
  'CHECK_UNAVAILABLE',
  'COMPANY_STRUCTURE',
  'DATA_MISMATCH',
  'DOCUMENT_EXPIRED',
  'DOCUMENT_INCOMPLETE',
  'DOCUMENT_INVALID',
  'DOCUMENT_QUALITY',
  'DUPLICATE',
  'FACE_MISMATCH',
  'FRAUD_SUSPECTED',
  'PROOF_OF_ADDRESS',
  'REGION_NOT_SUPPORTED',
  'REGULATION',
  'OTHER',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

export interface Reason {
  readonly code: ReasonCode;
  /** The provider's own code or phrase, as sent. */
  readonly providerCode: string | null;
  /** The provider's text for the user, as sent. */
  readonly message: string | null;
}

interface EventBase {
  /** The provider's ID of the account. */
  readonly subjectRef: string;
  /** The customer's ID for the user. Absent if the provider does not send it. */
  readonly externalUserId?: string;
  /** Provider timestamp. If absent, the time of receipt is used. */
  readonly occurredAt?: Instant;
  /** Whether the event comes from the provider's test environment. */
  readonly sandbox?: boolean;
  /** Absent for a person, and if the provider does not send the kind. */
  readonly kind?: 'COMPANY';
}

interface LevelBase extends EventBase {
  /** Name of the level at the provider, as sent. */
  readonly level: string;
  readonly levelKind: LevelKind;
  /** The provider's own status, for example `completed/RED/FINAL`. */
  readonly providerStatus: string;
}

/** Status of an attempt, of the level, or of both (P100). At least one of `status` and `levelStatus` is present. */
export interface StatusEvent extends LevelBase {
  readonly type: 'STATUS';
  readonly status?: AttemptStatus;
  /** The provider's own status of the level. Overrides the status that results from the attempts. */
  readonly levelStatus?: VerificationStatus;
  /** The provider's ID of the attempt, if sent. All events with the same ID belong to one attempt. */
  readonly attemptRef?: string;
  /** Whether the user may try again after a rejection. Absent if the provider does not send it. */
  readonly retryable?: boolean;
  readonly reasons?: readonly Reason[];
}

/** The provider discarded the user's documents. Every approval of the account is void, and a new attempt starts at this level. */
export interface ResetEvent extends LevelBase {
  readonly type: 'RESET';
}

/** The provider moved the user to another level. An open attempt ends, and an approval remains. */
export interface WithdrawnEvent extends LevelBase {
  readonly type: 'WITHDRAWN';
}

/** The provider's API reports the level as not verified. An open attempt is not affected. */
export interface UnverifiedEvent extends LevelBase {
  readonly type: 'UNVERIFIED';
}

/** The account at the provider was activated, deactivated, or deleted with all its attempts. */
export interface AccountEvent extends EventBase {
  readonly type: 'ACCOUNT';
  readonly state: AccountState;
}

export const ACCOUNT_STATES = ['ACTIVE', 'DEACTIVATED', 'DELETED'] as const;
export type AccountState = (typeof ACCOUNT_STATES)[number];

/** Personal data. Stored encrypted and never logged. */
export interface ProfileEvent extends EventBase {
  readonly type: 'PROFILE';
  readonly profile: Profile;
}

export interface Profile {
  readonly fullName?: string;
  /** Age in years, as sent by the provider. */
  readonly age?: string;
  readonly email?: string;
}

/** A reusable credential was issued. Its holder has a different ID at the provider than the account. */
export interface CredentialEvent extends EventBase {
  readonly type: 'CREDENTIAL';
  readonly credentialRef: string;
}

export type VerificationEvent =
  | StatusEvent
  | ResetEvent
  | WithdrawnEvent
  | UnverifiedEvent
  | AccountEvent
  | ProfileEvent
  | CredentialEvent;
