/** The words of the domain as GraphQL enums, each with what it means. */

import type { ChangeCauseKind } from '../../domain/change';
import type { AccountState, ReasonCode } from '../../domain/event';
import type { LevelKind, SubjectKind } from '../../domain/level';
import type { AttemptStatus, Disposition, Trust, VerificationStatus } from '../../domain/status';
import { literalEnum } from './literal-enum';

export const VerificationStatusEnum = literalEnum<VerificationStatus>(
  'VerificationStatus',
  'The lasting state of a user, or of a user at one level.',
  {
    NOT_VERIFIED: 'Not verified: never was, or a later decision took it away.',
    VERIFIED: 'Verified now.',
    EXPIRED: 'Was verified, and the approval has run out.',
  },
);

export const AttemptStatusEnum = literalEnum<AttemptStatus>(
  'AttemptStatus',
  'What one attempt has come to. No decision is final for ever: vendors revise theirs.',
  {
    PENDING: 'Open: begun, and waits for input of the user.',
    IN_PROGRESS: 'Open: the vendor is working on it.',
    ACTION_REQUIRED: 'Open: the user has been asked to do something.',
    IN_REVIEW: 'Open: a person at the vendor decides.',
    APPROVED: 'Decided: the user passed.',
    REJECTED:
      'Decided: the user did not pass; `rejection` says why and whether they may try again.',
    EXPIRED: 'Decided: was approved, and the approval has run out.',
    CANCELLED: 'Decided: reset, deleted, or replaced by another level.',
  },
);

export const TrustEnum = literalEnum<Trust>(
  'Trust',
  'How sure the gateway is that the vendor sent it.',
  {
    SIGNED: 'The body was signed with a shared secret.',
    TOKEN: 'A static secret was shown; the body itself is not signed.',
    CONFIRMED: "Pulled from the vendor's own API.",
  },
);

export const DispositionEnum = literalEnum<Disposition>(
  'Disposition',
  'What became of a delivery.',
  {
    APPLIED: 'It changed something.',
    UNCHANGED: 'It said what was known already.',
    STALE: 'It came late: something newer had been said, so that it changed nothing.',
    IGNORED: 'Authentic, and about nothing that is tracked.',
    QUARANTINED: 'Authentic, but unreadable or in unknown words; kept, and can be replayed.',
  },
);

export const LevelKindEnum = literalEnum<LevelKind>('LevelKind', 'What sort of thing a level is.', {
  LEVEL: 'A level of its own.',
  ADD_ON: 'An addition to a level.',
  ACTION: "A check of one action, a payment method say; never counts toward a user's status.",
});

export const SubjectKindEnum = literalEnum<SubjectKind>(
  'SubjectKind',
  'What an account or a user is. The approval of one kind never verifies the other.',
  { PERSON: 'A natural person.', COMPANY: 'A company.' },
);

export const AccountStateEnum = literalEnum<AccountState>(
  'AccountState',
  "State of a user's account at a vendor.",
  {
    ACTIVE: 'In use.',
    DEACTIVATED: 'Switched off by the vendor.',
    DELETED: 'Gone, together with all its attempts.',
  },
);

export const ReasonCodeEnum = literalEnum<ReasonCode>(
  'ReasonCode',
  'Why a person was turned down or is looked at again, in words that are the same for all vendors.',
  {
    AGE_REQUIREMENT: 'Too young.',
    AML: 'On a sanctions, watch or politically-exposed-persons list.',
    CHECK_UNAVAILABLE: 'A check could not be made.',
    COMPANY_STRUCTURE: 'The structure or the owners of a company are not sufficiently shown.',
    DATA_MISMATCH: 'What was declared differs from what the documents say.',
    DOCUMENT_EXPIRED: 'A document has expired.',
    DOCUMENT_INCOMPLETE: 'A document, a page or a side is missing.',
    DOCUMENT_INVALID: 'A document is of the wrong kind, damaged or not acceptable.',
    DOCUMENT_QUALITY: 'A picture cannot be read.',
    DUPLICATE: 'The same person has been here before.',
    FACE_MISMATCH: 'The face is not that of the document, or liveness was not shown.',
    FRAUD_SUSPECTED: 'Forgery or fraud is suspected.',
    PROOF_OF_ADDRESS: 'The proof of address is missing or not acceptable.',
    REGION_NOT_SUPPORTED: 'The country or language is not served.',
    REGULATION: 'A rule or regulation forbids it.',
    OTHER: "A vendor's word that has no place in this list; see `providerCode`.",
  },
);

export const ChangeCauseKindEnum = literalEnum<ChangeCauseKind>(
  'ChangeCauseKind',
  'What brought a status change about.',
  {
    DELIVERY: 'A webhook of a vendor.',
    REPLAY: 'A kept webhook was applied again by an operator.',
    LINK: 'An identity was tied to the user.',
    MERGE: 'Another user went into this one.',
    EXPIRY: 'An approval ran out.',
    ERASURE: 'The user was erased: no status changed, and none will.',
    POLICY: 'The rules that say who is verified were changed, or how the gateway applies them.',
  },
);

/** Direction of an order, for all order inputs. */
export const OrderDirectionEnum = literalEnum<'ASC' | 'DESC'>(
  'OrderDirection',
  'Which end of an order comes first.',
  { ASC: 'Oldest first.', DESC: 'Newest first.' },
);
