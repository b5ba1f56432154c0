/** Reason codes of Sumsub's reject labels. */

import type { Reason, ReasonCode } from '../../domain/event';
import { lookUp } from '../kit/json';

/**
 * Open set: an unknown label is OTHER. A label does not determine whether the user may retry: Sumsub also uses labels that it
 * documents as temporary for final rejections.
 *
 * @see https://docs.sumsub.com (Temporary rejection; Final rejection; as of 2025)
 */
const CODE_BY_LABEL = {
  // Documents
  ADDITIONAL_DOCUMENT_REQUIRED: 'DOCUMENT_INCOMPLETE',
  BACK_SIDE_MISSING: 'DOCUMENT_INCOMPLETE',
  DIGITAL_DOCUMENT: 'DOCUMENT_INVALID',
  DOCUMENT_DAMAGED: 'DOCUMENT_QUALITY',
  DOCUMENT_DEPRIVED: 'DOCUMENT_INVALID',
  DOCUMENT_MISSING: 'DOCUMENT_INCOMPLETE',
  DOCUMENT_PAGE_MISSING: 'DOCUMENT_INCOMPLETE',
  EXPIRATION_DATE: 'DOCUMENT_EXPIRED',
  FRONT_SIDE_MISSING: 'DOCUMENT_INCOMPLETE',
  ID_INVALID: 'DOCUMENT_INVALID',
  INCOMPATIBLE_LANGUAGE: 'DOCUMENT_INVALID',
  INCOMPLETE_DOCUMENT: 'DOCUMENT_INCOMPLETE',
  NOT_DOCUMENT: 'DOCUMENT_INVALID',
  UNFILLED_ID: 'DOCUMENT_INCOMPLETE',

  // Images
  BAD_PHOTO: 'DOCUMENT_QUALITY',
  BLACK_AND_WHITE: 'DOCUMENT_QUALITY',
  GRAPHIC_EDITOR: 'FRAUD_SUSPECTED',
  LOW_QUALITY: 'DOCUMENT_QUALITY',
  SCREENSHOTS: 'DOCUMENT_QUALITY',
  UNSATISFACTORY_PHOTOS: 'DOCUMENT_QUALITY',

  // Proofs
  BAD_PROOF_OF_ADDRESS: 'PROOF_OF_ADDRESS',
  BAD_PROOF_OF_IDENTITY: 'DOCUMENT_INVALID',
  BAD_PROOF_OF_PAYMENT: 'DOCUMENT_INVALID',
  WRONG_ADDRESS: 'PROOF_OF_ADDRESS',

  // Faces
  BAD_AVATAR: 'FACE_MISMATCH',
  BAD_FACE_MATCHING: 'FACE_MISMATCH',
  BAD_SELFIE: 'FACE_MISMATCH',
  BAD_VIDEO_SELFIE: 'FACE_MISMATCH',
  SELFIE_MISMATCH: 'FACE_MISMATCH',
  SELFIE_WITH_PAPER: 'FACE_MISMATCH',

  // Data
  DB_DATA_MISMATCH: 'DATA_MISMATCH',
  DB_DATA_NOT_FOUND: 'DATA_MISMATCH',
  INCONSISTENT_PROFILE: 'DATA_MISMATCH',
  INCORRECT_SOCIAL_NUMBER: 'DATA_MISMATCH',
  PROBLEMATIC_APPLICANT_DATA: 'DATA_MISMATCH',
  REQUESTED_DATA_MISMATCH: 'DATA_MISMATCH',

  // Incomplete checks
  APPLICANT_INTERRUPTED_INTERVIEW: 'CHECK_UNAVAILABLE',
  CHECK_UNAVAILABLE: 'CHECK_UNAVAILABLE',
  CONNECTION_INTERRUPTED: 'CHECK_UNAVAILABLE',
  NOT_ALL_CHECKS_COMPLETED: 'CHECK_UNAVAILABLE',
  UNSUITABLE_ENV: 'CHECK_UNAVAILABLE',

  // Companies
  COMPANY_NOT_DEFINED_BENEFICIARIES: 'COMPANY_STRUCTURE',
  COMPANY_NOT_DEFINED_REPRESENTATIVES: 'COMPANY_STRUCTURE',
  COMPANY_NOT_DEFINED_STRUCTURE: 'COMPANY_STRUCTURE',
  COMPANY_NOT_VALIDATED_BENEFICIARIES: 'COMPANY_STRUCTURE',
  COMPANY_NOT_VALIDATED_REPRESENTATIVES: 'COMPANY_STRUCTURE',

  // Fraud
  DOCUMENT_TEMPLATE: 'FRAUD_SUSPECTED',
  DUPLICATE: 'DUPLICATE',
  FORGERY: 'FRAUD_SUSPECTED',
  FRAUDULENT_LIVENESS: 'FRAUD_SUSPECTED',
  FRAUDULENT_PATTERNS: 'FRAUD_SUSPECTED',
  PRINTED_ID_COPY: 'FRAUD_SUSPECTED',
  SPAM: 'FRAUD_SUSPECTED',
  SUSPICIOUS_PATTERNS: 'FRAUD_SUSPECTED',
  THIRD_PARTY_INVOLVED: 'FRAUD_SUSPECTED',

  // AML lists
  ADVERSE_MEDIA: 'AML',
  BLACKLIST: 'AML',
  BLOCKLIST: 'AML',
  COMPROMISED_PERSONS: 'AML',
  CRIMINAL: 'AML',
  HIGH_RISK_PROFILE: 'AML',
  PEP: 'AML',
  RESTRICTED_PERSON: 'AML',
  SANCTIONS: 'AML',

  // Rules
  AGE_REQUIREMENT_MISMATCH: 'AGE_REQUIREMENT',
  EXPERIENCE_REQUIREMENT_MISMATCH: 'REGULATION',
  EXTERNAL_DECISION_REJECTION: 'OTHER', // the customer rejected through Sumsub's API
  FOREIGNER: 'REGION_NOT_SUPPORTED',
  REGULATIONS_VIOLATIONS: 'REGULATION',
  UNSUPPORTED_LANGUAGE: 'REGION_NOT_SUPPORTED',
  WRONG_USER_REGION: 'REGION_NOT_SUPPORTED',
} as const satisfies Record<string, ReasonCode>;

export interface Explanation {
  readonly labels: readonly string[];
  /** `moderationComment`, the only text that is intended for the user. */
  readonly comment: string | undefined;
}

/** Returns one reason per label, in Sumsub's order. The comment belongs to the first one. */
export function toReasons({ labels, comment }: Explanation = NO_EXPLANATION): readonly Reason[] {
  const message = toMessage(comment ?? '');
  if (labels.length === 0 && message !== null) {
    return [{ code: 'OTHER', providerCode: null, message }];
  }
  return labels.map((label, index) => ({
    code: lookUp<ReasonCode>(CODE_BY_LABEL, label) ?? 'OTHER',
    providerCode: label,
    message: index === 0 ? message : null,
  }));
}

const NO_EXPLANATION: Explanation = { labels: [], comment: undefined };

/** Removes placeholders such as `${clientSupportEmail}`, which Sumsub does not replace. */
function toMessage(comment: string): string | null {
  const text = comment.replaceAll(/\$\{[^{}]*\}/g, '').trim();
  return text === '' ? null : text;
}
