/** `POST /webhooks/:provider` and below: some vendors append a path of their own, one carries its secret there. */

import type { IncomingMessage } from 'node:http';
import { GatewayError, SignatureError } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import type { WebhookRequest } from '../domain/request';
import type { RecordOutcome } from '../store/store';
import type { Admission } from './admission';
import { readBody } from './body';
import type { HttpLimits } from './limits';
import type { Observer } from './observer';
import { sendReply } from './reply';
import type { Route } from './router';

/** Resolves when the delivery is committed. @throws {GatewayError} if it is not authentic or cannot be kept. */
export type Ingest = (providerId: ProviderId, request: WebhookRequest) => Promise<RecordOutcome>;

export interface WebhookRouteOptions {
  readonly ingest: Ingest;
  readonly admission: Admission;
  readonly limits: HttpLimits;
  readonly observer: Observer;
}

export function webhookRoute(options: WebhookRouteOptions): Route {
  const { ingest, admission, limits, observer } = options;

  /** Only what fails is ever held back for it: a vendor must not suffer for whoever shares its address. */
  function withPatience(error: unknown, provider: ProviderId, request: IncomingMessage): unknown {
    if (!(error instanceof SignatureError)) return error;
    try {
      admission.noteFailure(provider, request);
      return error;
    } catch (tooMany) {
      return tooMany;
    }
  }

  return {
    path: '/webhooks/*',
    methods: {
      async POST({ request, response, rest }) {
        const { provider, subpath } = splitPath(rest);
        try {
          admission.assertWelcome(provider, request);
          const rawBody = await readBody(request, limits);
          const outcome = await ingest(provider, { headers: headersOf(request), rawBody, subpath });
          const { deliveryId, disposition, duplicate } = outcome;
          const body = JSON.stringify({ deliveryId, disposition, duplicate });
          sendReply(request, response, { status: 200, body });
          observer.webhook(provider, duplicate ? 'DUPLICATE' : disposition);
        } catch (thrown) {
          const error = withPatience(thrown, provider, request);
          observer.webhook(provider, error instanceof GatewayError ? error.code : 'INTERNAL');
          throw error;
        }
      },
    },
  };
}

function splitPath(path: string): { provider: ProviderId; subpath: string } {
  const slash = path.indexOf('/');
  if (slash < 0) return { provider: decode(path), subpath: '' };
  return { provider: decode(path.slice(0, slash)), subpath: decode(path.slice(slash + 1)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new GatewayError('NOT_FOUND', 'expected a percent-encoded path');
  }
}

/** Every value that was sent, where Node would drop the second. */
function headersOf(request: IncomingMessage): WebhookRequest['headers'] {
  const entries = Object.entries(request.headersDistinct);
  return Object.fromEntries(entries.map(([name, values]) => [name, values?.join(', ')]));
}
