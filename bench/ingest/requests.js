/** Webhooks as Sumsub sends them, each about another applicant, truly signed. */

const { createHmac } = require('node:crypto');
const { layOut } = require('../lib/http-load');

/**
 * `number` selects the applicant. Equal arguments yield equal bytes.
 *
 * @param revision - A higher revision reverses the decision for the same applicant.
 */
function bodyOf(number, revision = 0) {
  const id = (0x5cb56e8e00000000000000n + BigInt(number)).toString(16).padStart(24, '0');
  const at = new Date(Date.UTC(2024, 0, 1) + (number + revision) * 1000);
  return JSON.stringify({
    applicantId: id,
    inspectionId: `${id.slice(0, -1)}0`,
    correlationId: `req-a260b669-4f14-4bb5-a4c5-${id.slice(12)}`,
    externalUserId: externalUserIdOf(number),
    levelName: 'basic-kyc-level',
    applicantType: 'individual',
    type: 'applicantReviewed',
    sandboxMode: false,
    clientId: 'a-customer-of-sumsub',
    reviewMode: 'normal',
    reviewResult:
      revision % 2 === 1
        ? { reviewAnswer: 'GREEN' }
        : {
            moderationComment:
              'We could not read your document. Please send a sharp picture of all four corners of it.',
            reviewAnswer: 'RED',
            rejectLabels: ['UNSATISFACTORY_PHOTOS', 'DOCUMENT_PAGE_MISSING'],
            reviewRejectType: 'RETRY',
          },
    reviewStatus: 'completed',
    createdAtMs: `${at.toISOString().slice(0, 10)} ${at.toISOString().slice(11, 23)}`,
  });
}

function externalUserIdOf(number) {
  return `customer-${String(number).padStart(10, '0')}`;
}

/** `count` requests from `first` on, laid out and signed. */
function signedRequests(first, count, secret) {
  return Array.from({ length: count }, (_, index) => signedRequest(bodyOf(first + index), secret));
}

function signedRequest(body, secret) {
  return layOut({
    path: '/webhooks/sumsub',
    headers: {
      'content-type': 'application/json',
      'x-payload-digest': createHmac('sha256', secret).update(body).digest('hex'),
      'x-payload-digest-alg': 'HMAC_SHA256_HEX',
    },
    body,
  });
}

module.exports = { bodyOf, externalUserIdOf, signedRequest, signedRequests };
