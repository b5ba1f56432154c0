/** Deliveries about users with two identities each. */

import { delivery, sumsub } from './provider-deliveries';

export const NOW = new Date('2024-02-01T12:00:00Z');
export const PEOPLE = 40;

const red = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'RED' } };
const green = { reviewStatus: 'completed', reviewResult: { reviewAnswer: 'GREEN' } };

/** Deliveries that show only late that two identities belong to one user. */
export const story = Array.from({ length: PEOPLE }, (_, person) => {
  const [first, second] = [{ applicantId: `a${person}` }, { applicantId: `b${person}` }];
  const named = { externalUserId: `e${person}` };
  return [
    sumsub('applicantCreated', first, 1),
    sumsub('applicantReviewed', { ...first, ...green }, 2),
    sumsub('applicantPending', { ...first, ...named, reviewStatus: 'pending' }, 3),
    sumsub('applicantCreated', second, 1),
    sumsub('applicantPending', { ...second, ...named, reviewStatus: 'pending' }, 2),
    sumsub('applicantReviewed', { ...second, ...red }, 4),
  ].map((body) => delivery('sumsub', body, NOW));
}).flat();
