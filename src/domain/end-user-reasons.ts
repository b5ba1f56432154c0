/** Reasons that end users may see about themselves. Disclosing a suspicion can be an offense ("tipping off"). */

import { REASON_CODES, type Reason, type ReasonCode } from './event';

/** `limited` shows only the reasons in `END_USER_REASON_CODES`. */
export type EndUserReasons = 'limited' | 'all';

/** Whether a reason reveals only what the user can correct or already knows, by code. */
const SHOWN: Readonly<Record<ReasonCode, boolean>> = {
  AGE_REQUIREMENT: true,
  AML: false,
  CHECK_UNAVAILABLE: true,
  COMPANY_STRUCTURE: true,
  DATA_MISMATCH: true,
  DOCUMENT_EXPIRED: true,
  DOCUMENT_INCOMPLETE: true,
  DOCUMENT_INVALID: true,
  DOCUMENT_QUALITY: true,
  DUPLICATE: false, // providers count it as fraud
  FACE_MISMATCH: true,
  FRAUD_SUSPECTED: false,
  OTHER: false, // an unmapped phrase of the provider, so it may reveal a suspicion
  PROOF_OF_ADDRESS: true,
  REGION_NOT_SUPPORTED: true,
  REGULATION: false,
};

export const END_USER_REASON_CODES: readonly ReasonCode[] = REASON_CODES.filter(
  (code) => SHOWN[code],
);

export function isShownToEndUsers({ code }: Reason): boolean {
  return END_USER_REASON_CODES.includes(code);
}
