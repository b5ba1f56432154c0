/** Limits on clients of the server, with their defaults. */

import type { CorsOptions } from './cors';
import type { WebhookGuardOptions } from './webhook-guard';

/** Clients that may connect. */
export interface ClientAccess extends WebhookGuardOptions {
  /** Number of proxies in front of the gateway, each of which appends to `X-Forwarded-For`. */
  readonly trustedProxies: number;
  readonly allowedOrigins: CorsOptions['allowedOrigins'];
  readonly allowLocalOrigins: CorsOptions['allowLocalOrigins'];
}

export interface HttpLimits {
  /** TCP connections, including WebSockets. More would leave no file descriptors for the database. */
  readonly maxTcpConnections: number;
  /** Size of the body of a webhook. */
  readonly maxBodyBytes: number;
  /** Size of the body of a request to `/graphql`. */
  readonly maxOperationBytes: number;
  /** Time to receive all headers of a request. */
  readonly headersTimeoutMs: number;
  /** Time to receive a whole request, including its body. */
  readonly requestTimeoutMs: number;
  /** Time after which an idle connection is closed. */
  readonly keepAliveMs: number;
  /** Time between two chunks of a body. */
  readonly bodyIdleMs: number;
  /** Time to receive a whole body. */
  readonly bodyTimeoutMs: number;
  /** Memory for all bodies being received. */
  readonly maxHeldBytes: number;
  /** Memory for the bodies being received from one network. */
  readonly maxHeldBytesPerAddress: number;
  /** Time for requests in progress to finish after the server starts to close. Then their connections are closed. */
  readonly drainMs: number;
  /** Time for which a closing server still accepts requests, while `/readyz` already returns 503. */
  readonly lastRequestMs: number;
}

export interface SocketLimits {
  /** Open WebSockets. */
  readonly maxConnections: number;
  /** Messages per second on one connection. The burst is ten seconds' worth. */
  readonly messagesPerSecond: number;
  /** Operations in progress on one connection, including queries and mutations. */
  readonly maxSubscriptionsPerConnection: number;
  /** Size of an incoming message. */
  readonly maxMessageBytes: number;
  /** Time from opening a socket to `connection_init`. */
  readonly initTimeoutMs: number;
  /** Time between two pings. A client that has not answered a ping by the next one is disconnected. */
  readonly keepAliveMs: number;
  /** Time after which a message that the client has not read closes the connection. */
  readonly stalledAfterMs: number;
  /** Time from sending a close frame to closing the connection without a response. */
  readonly closeGraceMs: number;
  /** Time between two checks for revoked or expired credentials. */
  readonly revalidateMs: number;
  /** Time for which an item of a subscription is retried while the database is unavailable. Then the connection is closed. */
  readonly retryItemMs: number;
  /** Time for which opening a subscription is retried while the database is unavailable. Then the connection is closed. */
  readonly retryOpeningMs: number;
}

/** Limits per caller. The same over HTTP and WebSocket. */
export interface QuotaLimits {
  readonly socketsPerAddress: number;
  readonly socketsPerKey: number;
  readonly socketsPerUser: number;
  /** Operations in progress, including subscriptions. */
  readonly operationsPerAddress: number;
  readonly operationsPerKey: number;
  readonly operationsPerUser: number;
  /** Operations per second of one API key or end user. The burst is ten seconds' worth. `null`: no limit. */
  readonly operationsPerSecond: number | null;
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

/** Without any limit. */
export const UNLIMITED_QUOTAS: QuotaLimits = {
  socketsPerAddress: Number.POSITIVE_INFINITY,
  socketsPerKey: Number.POSITIVE_INFINITY,
  socketsPerUser: Number.POSITIVE_INFINITY,
  operationsPerAddress: Number.POSITIVE_INFINITY,
  operationsPerKey: Number.POSITIVE_INFINITY,
  operationsPerUser: Number.POSITIVE_INFINITY,
  operationsPerSecond: null,
};

/** Accepts webhooks from any address at any practical rate, and no cross-origin pages. */
export const DEFAULT_ACCESS: ClientAccess = {
  allowedOrigins: [],
  allowLocalOrigins: false,
  trustedProxies: 0,
  webhooksPerSecond: 1_000_000,
  webhookAddresses: {},
};
