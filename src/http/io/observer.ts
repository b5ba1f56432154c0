/** Events of the HTTP server, for metrics. Implementations must be fast and must not throw. */

import type { EntryPoint } from '../limits/authentication';

export interface Observer {
  /**
   * Counts a response to a webhook.
   *
   * @param provider - Provider from the path; may be unknown.
   * @param outcome - Disposition of the stored delivery, `DUPLICATE`, or the code of the error response.
   */
  webhook(provider: string, outcome: string): void;
  /** Counts a webhook that is not authentic. @param reason - One of `SIGNATURE_FAILURES`. */
  signatureRejected(provider: string, reason: string): void;
  /** Counts a query or mutation, or a subscription opened. @param outcome - `OK` or the code of the first error. */
  operation(transport: 'http' | 'websocket', outcome: string): void;
  /** Counts a failed authentication. @param reason - One of `AUTH_FAILURES`. */
  authenticationFailed(entryPoint: EntryPoint, reason: string): void;
  /** Records the duration of a request to `/graphql` over HTTP. */
  graphqlResponse(durationMs: number): void;
  /** Counts a connection closed because its client stopped reading. */
  slowConsumer(): void;
}

/** Records nothing. */
export const UNOBSERVED: Observer = {
  webhook() {},
  signatureRejected() {},
  operation() {},
  authenticationFailed() {},
  graphqlResponse() {},
  slowConsumer() {},
};
