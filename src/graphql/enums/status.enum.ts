/** Enums of the domain in GraphQL. */

import type { ChangeCauseKind } from '../../domain/change';
import type { AccountState, ReasonCode } from '../../domain/event';
import type { LevelKind, SubjectKind } from '../../domain/level';
import type { AttemptStatus, Disposition, Trust, VerificationStatus } from '../../domain/status';
import { literalEnum } from './literal-enum';

export const VerificationStatusEnum = literalEnum<VerificationStatus>(
  'VerificationStatus',
  'Current verification status of a user, or of a user at one level.',
  {
    NOT_VERIFIED: 'Not verified: never approved, or a later decision revoked the approval.',
    VERIFIED: 'Verified.',
    EXPIRED: 'Previously verified; the approval expired.',
  },
);

export const AttemptStatusEnum = literalEnum<AttemptStatus>(
  'AttemptStatus',
  'Status of a verification attempt. Providers can revise any decision.',
  {
    PENDING: 'Open: the user has not submitted anything yet.',
    IN_PROGRESS: 'Open: the provider is processing the attempt.',
    ACTION_REQUIRED: 'Open: the user submitted data, and the provider needs more.',
    IN_REVIEW: 'Open: under manual review at the provider.',
    APPROVED: 'Decided: the user was approved.',
    REJECTED:
      'Decided: the user was rejected. `rejection` contains the reasons and whether the user may retry.',
    EXPIRED: 'Decided: the approval expired.',
    CANCELLED: 'Decided: the attempt was reset or deleted, or the user moved to another level.',
  },
);

export const TrustEnum = literalEnum<Trust>('Trust', 'Evidence that the provider sent the data.', {
  SIGNED: 'The body is signed with a shared secret.',
  TOKEN: 'The request contains a static secret; the body is not signed.',
  CONFIRMED: "Read from the provider's API.",
});

export const DispositionEnum = literalEnum<Disposition>(
  'Disposition',
  'Result of processing a delivery.',
  {
    APPLIED: 'The delivery changed the state of a user.',
    UNCHANGED: 'The delivery contains only known information.',
    STALE: 'The delivery arrived after newer events and changed nothing.',
    IGNORED: 'The delivery is authentic but contains nothing that the gateway tracks.',
    QUARANTINED:
      'The delivery is authentic but malformed or of an unknown type. It is stored and can be replayed.',
  },
);

export const LevelKindEnum = literalEnum<LevelKind>('LevelKind', 'Kind of a level.', {
  LEVEL: 'An independent level.',
  ADD_ON: 'An addition to a level.',
  ACTION:
    "A check of one action, for example of a payment method. Never affects the user's status.",
});

export const SubjectKindEnum = literalEnum<SubjectKind>(
  'SubjectKind',
  'Kind of a user or an identity. An approval of one kind never verifies the other.',
  { PERSON: 'A natural person.', COMPANY: 'A company.' },
);

export const AccountStateEnum = literalEnum<AccountState>(
  'AccountState',
  "State of a user's account at a provider.",
  {
    ACTIVE: 'Active.',
    DEACTIVATED: 'Deactivated by the provider.',
    DELETED: 'Deleted at the provider, together with its attempts.',
  },
);

export const ReasonCodeEnum = literalEnum<ReasonCode>(
  'ReasonCode',
  'Reason for a rejection or a manual review, the same for all providers.',
  {
    AGE_REQUIREMENT: 'The user is too young.',
    AML: 'The user is on a sanctions list, a watch list or a list of politically exposed persons.',
    CHECK_UNAVAILABLE: 'A check could not be performed.',
    COMPANY_STRUCTURE: 'The structure or ownership of the company is not sufficiently documented.',
    DATA_MISMATCH: 'The declared data does not match the documents.',
    DOCUMENT_EXPIRED: 'A document is expired.',
    DOCUMENT_INCOMPLETE: 'A document, page or side is missing.',
    DOCUMENT_INVALID: 'A document is damaged, unacceptable or of the wrong type.',
    DOCUMENT_QUALITY: 'An image is unreadable.',
    DUPLICATE: 'The same person already has another account.',
    FACE_MISMATCH: 'The face does not match the document, or the liveness check failed.',
    FRAUD_SUSPECTED: 'Forgery or fraud is suspected.',
    PROOF_OF_ADDRESS: 'The proof of address is missing or unacceptable.',
    REGION_NOT_SUPPORTED: 'The country or language is not supported.',
    REGULATION: 'A rule or regulation prevents an approval.',
    OTHER: 'Any other reason; see `providerCode`.',
  },
);

export const ChangeCauseKindEnum = literalEnum<ChangeCauseKind>(
  'ChangeCauseKind',
  'Kind of cause of a status change.',
  {
    DELIVERY: 'A delivery of the provider.',
    REPLAY: 'An operator replayed a stored delivery.',
    LINK: 'An identity was linked to the user.',
    MERGE: 'Another user was merged into this one.',
    EXPIRY: 'An approval expired.',
    ERASURE: 'The user was erased. Statuses stay as they are and no longer change.',
    POLICY: 'The verification policy or the projection rules changed.',
  },
);

/** Direction of every order input. */
export const OrderDirectionEnum = literalEnum<'ASC' | 'DESC'>('OrderDirection', 'Sort direction.', {
  ASC: 'Oldest first.',
  DESC: 'Newest first.',
});
