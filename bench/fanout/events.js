/** Subscription documents, and the events that peers without a change log publish. */

const QUERY = `subscription ($filter: StatusChangeFilter) { statusChanged(filter: $filter) {
  id cursor provider attemptStatus previousAttemptStatus verificationStatus previousVerificationStatus occurredAt recordedAt
  level { key } user { id externalUserId } } }`;

const SCHEMA = `
  input StatusChangeFilter { externalUserId: String }
  type Level { key: String! }
  type User { id: ID! externalUserId: String }
  type StatusChange {
    id: ID! cursor: String! provider: String attemptStatus: String previousAttemptStatus: String verificationStatus: String!
    previousVerificationStatus: String! occurredAt: String! recordedAt: String! level: Level user: User!
  }
  type Query { ready: Boolean }
  type Subscription { statusChanged(filter: StatusChangeFilter): StatusChange! }
`;

/** As large as the gateway's own. */
function eventOf(externalUserId, revision) {
  const at = new Date().toISOString();
  const [before, after] =
    revision % 2 === 1 ? ['NOT_VERIFIED', 'VERIFIED'] : ['VERIFIED', 'NOT_VERIFIED'];
  return {
    id: Buffer.from(`StatusChange:${revision}`).toString('base64url'),
    cursor: Buffer.from(`abcdefgh:${revision}`).toString('base64url'),
    provider: 'SUMSUB',
    attemptStatus: after === 'VERIFIED' ? 'APPROVED' : 'REJECTED',
    previousAttemptStatus: after === 'VERIFIED' ? 'REJECTED' : 'APPROVED',
    verificationStatus: after,
    previousVerificationStatus: before,
    occurredAt: at,
    recordedAt: at,
    level: { key: 'sumsub/basic-kyc-level' },
    user: { id: Buffer.from(`User:${externalUserId}`).toString('base64url'), externalUserId },
  };
}

module.exports = { eventOf, QUERY, SCHEMA };
