/** The one shape that all news takes: what a delivery says, in our words. */

import type { Instant } from './instant';
import type { LevelKind } from './level';
import type { AttemptStatus, VerificationStatus } from './status';

/** Our words for why a person was turned down or is looked at again. `OTHER` where the vendor's word has no place. */
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
  /** The vendor's own code or phrase, as sent. */
  readonly providerCode: string | null;
  /** Text meant for the user, as the vendor wrote it. */
  readonly message: string | null;
}

interface EventBase {
  /** The vendor's id of the user. */
  readonly subjectRef: string;
  /** Our customer's id of the user, where the vendor sends it. */
  readonly externalUserId?: string;
  /** The vendor's clock. Absent where the vendor sends none: then the receipt dates the event. */
  readonly occurredAt?: Instant;
  /** From the vendor's test environment. */
  readonly sandbox?: boolean;
  /** Only of a company; absent for a person, and where the vendor does not send it. */
  readonly kind?: 'COMPANY';
}

interface LevelBase extends EventBase {
  /** Name of the level at this provider, as sent. */
  readonly level: string;
  readonly levelKind: LevelKind;
  /** The vendor's own word, e.g. `completed/RED/FINAL`. */
  readonly providerStatus: string;
}

/** News of an attempt, of the lasting state, or of both (P100). At least one of `status` and `standing` is given. */
export interface StatusEvent extends LevelBase {
  readonly type: 'STATUS';
  readonly status?: AttemptStatus;
  /** The vendor's own word on the lasting state of the user at this level; overrides what the attempts add up to. */
  readonly levelStatus?: VerificationStatus;
  /** The vendor's id of the attempt, where one is sent: all events that bear it are one attempt. */
  readonly attemptRef?: string;
  /** Whether the user may try again after a rejection; absent when the vendor does not say. */
  readonly retryable?: boolean;
  readonly reasons?: readonly Reason[];
}

/** The vendor discarded the user's documents: every approval of the account is void, and a new attempt begins at this level. */
export interface ResetEvent extends LevelBase {
  readonly type: 'RESET';
}

/** The vendor moved the user to another level: an open attempt ends, an approval remains. */
export interface WithdrawnEvent extends LevelBase {
  readonly type: 'WITHDRAWN';
}

/** The level is not verified now, says the vendor's API; of an attempt under way it says nothing. */
export interface UnverifiedEvent extends LevelBase {
  readonly type: 'UNVERIFIED';
}

/** The account at the vendor was switched on or off, or is gone with all its attempts. */
export interface AccountEvent extends EventBase {
  readonly type: 'ACCOUNT';
  readonly state: AccountState;
}

export const ACCOUNT_STATES = ['ACTIVE', 'DEACTIVATED', 'DELETED'] as const;
export type AccountState = (typeof ACCOUNT_STATES)[number];

/** Personal data. Kept as ciphertext, never logged. */
export interface ProfileEvent extends EventBase {
  readonly type: 'PROFILE';
  readonly profile: Profile;
}

export interface Profile {
  readonly fullName?: string;
  /** Years, as the vendor wrote them. */
  readonly age?: string;
  readonly email?: string;
}

/** A reusable credential was issued to a holder whom the vendor names by another id than its user id. */
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
