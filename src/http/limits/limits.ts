/** What a client may cost us. */

export interface HttpLimits {
  /** Of TCP, WebSockets included: more would leave no file descriptors for the database. */
  readonly maxTcpConnections: number;
  readonly maxBodyBytes: number;
  /** Of a request to `/graphql`. */
  readonly maxOperationBytes: number;
  /** For all headers of a request. */
  readonly headersTimeoutMs: number;
  /** For a whole request, body included. */
  readonly requestTimeoutMs: number;
  /** For which an idle connection is kept open. */
  readonly keepAliveMs: number;
  /** Between two pieces of a body. */
  readonly bodyIdleMs: number;
  /** For a whole body, however steadily it trickles. */
  readonly bodyTimeoutMs: number;
  /** Memory of all bodies that are being received. */
  readonly maxHeldBytes: number;
  /** Of those that come from one network address. */
  readonly maxHeldBytesPerAddress: number;
  /** How long requests under way may take to finish once the server closes. */
  readonly drainMs: number;
  /** How long it goes on accepting before that, while `/readyz` already sends traffic elsewhere. */
  readonly lastRequestMs: number;
}

export interface SocketLimits {
  readonly maxConnections: number;
  /** On one connection, after ten times as many at once. */
  readonly messagesPerSecond: number;
  /** Operations under way on one connection, queries included. */
  readonly maxSubscriptionsPerConnection: number;
  /** Of one incoming message. */
  readonly maxMessageBytes: number;
  /** From opening a socket to `connection_init`. */
  readonly initTimeoutMs: number;
  /** Between two pings; a peer that has not answered the last one is dropped. */
  readonly keepAliveMs: number;
  /** A message that the client has not taken after this long ends the connection. */
  readonly stalledAfterMs: number;
  /** From sending a close frame to dropping the connection without an answer. */
  readonly closeGraceMs: number;
  /** How often live connections are checked for credentials that no longer hold. */
  readonly revalidateMs: number;
  /** How long an item of a subscription is retried while the store is unavailable. Then the connection is closed. */
  readonly retryItemMs: number;
  /** The same, for opening a subscription. */
  readonly retryOpeningMs: number;
}

export const DEFAULT_LIMITS: { readonly http: HttpLimits; readonly sockets: SocketLimits } = {
  http: {
    maxTcpConnections: 15_000,
    maxBodyBytes: 1024 * 1024,
    maxOperationBytes: 64 * 1024,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    keepAliveMs: 75_000,
    bodyIdleMs: 5_000,
    bodyTimeoutMs: 10_000,
    maxHeldBytes: 64 * 1024 * 1024,
    maxHeldBytesPerAddress: 32 * 1024 * 1024,
    drainMs: 10_000,
    lastRequestMs: 1_000,
  },
  sockets: {
    maxConnections: 10_000,
    messagesPerSecond: 100,
    maxSubscriptionsPerConnection: 100,
    maxMessageBytes: 64 * 1024,
    initTimeoutMs: 5_000,
    keepAliveMs: 15_000,
    stalledAfterMs: 30_000,
    closeGraceMs: 2_000,
    revalidateMs: 1_000,
    retryItemMs: 60_000,
    retryOpeningMs: 10_000,
  },
};
