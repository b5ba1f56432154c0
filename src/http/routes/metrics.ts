/** `GET /metrics`: for API keys with the scope `metrics`. Also works while the database is unavailable. */

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../../domain/errors';
import { sendResponse } from '../io/response';
import type { Route } from '../io/router';
import type { Authentication } from '../limits/authentication';
import { clientAddress } from '../limits/client-address';

/** Renders the metrics in the Prometheus text format. */
export type Expose = () => Promise<{ readonly contentType: string; readonly text: string }>;

/** Remembered credentials. Enough for a few scrapers. */
const MAX_REMEMBERED = 10;

export interface MetricsRouteOptions {
  readonly authentication: Authentication;
  readonly trustedProxies: number;
}

export function metricsRoute(options: MetricsRouteOptions, expose: Expose): Route {
  const authorize = createAuthorization(options);
  return {
    path: '/metrics',
    methods: {
      async GET({ request, response }) {
        await authorize(request);
        const { contentType, text } = await expose();
        const headers = { 'content-type': contentType };
        sendResponse(request, response, { status: 200, headers, body: text });
      },
    },
  };
}

/**
 * While the database is unavailable, credentials that were valid on their last use are accepted: metrics are needed most during
 * an outage.
 *
 * @throws {GatewayError} UNAUTHENTICATED, RATE_LIMITED, FORBIDDEN, or STORE_UNAVAILABLE for credentials not seen before.
 */
function createAuthorization({
  authentication,
  trustedProxies,
}: MetricsRouteOptions): (request: IncomingMessage) => Promise<void> {
  const remembered = new Set<string>(); // digests, so that no credentials stay in memory
  return async (request) => {
    const { authorization } = request.headers;
    const address = clientAddress(request, trustedProxies);
    const digest = createHash('sha256')
      .update(authorization ?? '')
      .digest('base64');
    try {
      const principal = await authentication.authenticate(authorization, address, 'metrics');
      if (principal.kind !== 'API_KEY' || !principal.scopes.has('metrics')) {
        throw new GatewayError(
          'FORBIDDEN',
          'This endpoint requires an API key with the scope `metrics`.',
        );
      }
      if (remembered.size < MAX_REMEMBERED) remembered.add(digest);
    } catch (error) {
      const unavailable = error instanceof GatewayError && error.code === 'STORE_UNAVAILABLE';
      if (unavailable && remembered.has(digest)) return;
      remembered.delete(digest);
      throw error;
    }
  };
}
