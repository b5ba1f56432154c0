/** Documents of `kyc-gateway watch`. The gateway trusts them even with TRUSTED_DOCUMENTS=enforce. */

export const HEAD_QUERY = 'query WatchHead { cursor }';

export const CHANGES_SUBSCRIPTION = `subscription ($after: String) {
  statusChanged(after: $after) {
    cursor cause { kind } user { id externalUserId } level { name } provider attemptStatus verificationStatus
  }
}`;

export const WATCH_DOCUMENTS: readonly string[] = [HEAD_QUERY, CHANGES_SUBSCRIPTION];
