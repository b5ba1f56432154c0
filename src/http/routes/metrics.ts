/** `GET /metrics`: for API keys with the scope `metrics`, also while the store is away. */

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../../domain/errors';
import { clientAddress } from '../io/client-address';
import { sendResponse } from '../io/response';
import type { Route } from '../io/router';
import type { Authentication } from '../limits/authentication';

/** The page that Prometheus reads. */
export type Expose = () => Promise<{ readonly contentType: string; readonly text: string }>;

/** Credentials that are remembered: those of a few scrapers. */
const MAX_KNOWN = 10;

export interface MetricsRouteOptions {
  readonly authentication: Authentication;
  readonly trustedProxies: number;
}

export function metricsRoute(options: MetricsRouteOptions, expose: Expose): Route {
  const admit = createDoor(options);
  return {
    path: '/metrics',
    methods: {
      async GET({ request, response }) {
        await admit(request);
        const { contentType, text } = await expose();
        const headers = { 'content-type': contentType };
        sendResponse(request, response, { status: 200, headers, body: text });
      },
    },
  };
}

/**
 * While keys cannot be looked up, whoever was let in last time is let in again: that is when the figures are needed.
 *
 * @throws {GatewayError} UNAUTHENTICATED, RATE_LIMITED, FORBIDDEN, or STORE_UNAVAILABLE for a key not seen before.
 */
function createDoor({
  authentication,
  trustedProxies,
}: MetricsRouteOptions): (request: IncomingMessage) => Promise<void> {
  const known = new Set<string>(); // digests, so that no credential is held
  return async (request) => {
    const { authorization } = request.headers;
    const address = clientAddress(request, trustedProxies);
    const digest = createHash('sha256')
      .update(authorization ?? '')
      .digest('base64');
    try {
      const principal = await authentication.authenticate(authorization, address, 'metrics');
      if (principal.kind !== 'API_KEY' || !principal.scopes.has('metrics')) {
        throw new GatewayError('FORBIDDEN', 'this needs the scope `metrics`');
      }
      if (known.size < MAX_KNOWN) known.add(digest);
    } catch (error) {
      const away = error instanceof GatewayError && error.code === 'STORE_UNAVAILABLE';
      if (away && known.has(digest)) return;
      known.delete(digest);
      throw error;
    }
  };
}
