/** The documents that `kyc-gateway watch` sends. A gateway trusts them as they are, also with TRUSTED_DOCUMENTS=enforce. */

export const HEAD = 'query WatchHead { cursor }';

export const CHANGES = `subscription ($after: String) {
  statusChanged(after: $after) {
    cursor cause { kind } user { id externalUserId } level { name } provider attemptStatus verificationStatus
  }
}`;

export const WATCH_DOCUMENTS: readonly string[] = [HEAD, CHANGES];
