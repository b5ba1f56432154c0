/** Messages of providers for these tests. */

import { fractalId, p100, paycaddy, sumsub } from '../../store/provider-deliveries';
import type { ProviderName } from '../../support/sign';

/** One of Sumsub's messages about a user of ours. */
export function about(user: string, type: string, millisecond: number, more: object = {}): object {
  const rest = { applicantId: `applicant-of-${user}`, externalUserId: user, ...more };
  return sumsub(type, rest, millisecond);
}

/** With `applicantReviewed`: the user passed. */
export const GREEN = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };

/** One approval of ada per provider. */
export const APPROVALS: Readonly<Record<ProviderName, object>> = {
  'fractal-id': fractalId('verification_approved', 'basic', 'ada', 1),
  sumsub: about('ada', 'applicantReviewed', 1, GREEN),
  paycaddy: paycaddy('verified', 'ada', 1),
  p100: p100('ada', 'VERIFIED', 'SUCCESSFUL'),
};
