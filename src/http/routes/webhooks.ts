/** `POST /webhooks/:provider` and below: some vendors append a path of their own, one carries its secret there. */

import type { IncomingMessage } from 'node:http';
import type { RecordOutcome, WebhookHead, WebhookRequest } from '../../domain/delivery';
import { GatewayError, SignatureError } from '../../domain/errors';
import type { ProviderId } from '../../domain/level';
import { isWellFormedText } from '../../domain/text';
import type { Bodies } from '../io/body';
import { clientAddress } from '../io/client-address';
import { isCompressed } from '../io/content-encoding';
import { sendResponse } from '../io/response';
import type { Route } from '../io/router';
import type { HttpLimits } from '../limits/limits';
import type { WebhookGuard } from '../limits/webhook-guard';
import type { Observer } from '../observer';

/** Resolves when the delivery is committed. @throws {GatewayError} if it is not authentic or cannot be kept. */
export type Ingest = (providerId: ProviderId, request: WebhookRequest) => Promise<RecordOutcome>;

/** Verifies as much of a proof as needs no body. @throws {GatewayError} If the request is not authentic, whatever its body is. */
export type VerifyHead = (providerId: ProviderId, head: WebhookHead) => void;

export interface WebhookRouteOptions {
  readonly ingest: Ingest;
  readonly verifyHead: VerifyHead;
  readonly guard: WebhookGuard;
  readonly bodies: Bodies;
  readonly trustedProxies: number;
  readonly limits: Pick<HttpLimits, 'maxBodyBytes'>;
  readonly observer: Observer;
}

export function webhookRoute(options: WebhookRouteOptions): Route {
  const { ingest, verifyHead, guard, bodies, trustedProxies, limits, observer } = options;

  /** Limits failures only, so that a vendor does not suffer for others at its address. @returns The error to answer with. */
  function noteRefusal(thrown: unknown, provider: ProviderId, address: string): unknown {
    if (!(thrown instanceof GatewayError)) return thrown;
    if (!(thrown instanceof SignatureError)) {
      guard.recordRejection(provider, address, thrown.code);
      return thrown;
    }
    observer.signatureRejected(provider, thrown.reason);
    try {
      guard.recordSignatureFailure(provider, address, thrown.reason);
      return thrown.reason === 'COMPRESSED' ? compressed() : thrown;
    } catch (tooMany) {
      return tooMany;
    }
  }

  return {
    path: '/webhooks/*',
    methods: {
      async POST({ request, response, rest }) {
        const { provider, subpath } = splitPath(rest);
        const address = clientAddress(request, trustedProxies);
        try {
          guard.assertAllowed(provider, address);
          const head = { headers: headersOf(request), subpath };
          verifyHead(provider, head); // before the body, or any client could fill the memory for bodies
          const rawBody = await bodies.read(request, address, limits.maxBodyBytes);
          const outcome = await ingest(provider, { ...head, rawBody }).catch((error: unknown) => {
            throw isCompressed(request) ? explainCompression(error) : error;
          });
          const { deliveryId, disposition, duplicate } = outcome;
          const body = JSON.stringify({ deliveryId, disposition, duplicate });
          sendResponse(request, response, { status: 200, body });
          observer.webhook(provider, duplicate ? 'DUPLICATE' : disposition);
        } catch (thrown) {
          const error = noteRefusal(thrown, provider, address);
          observer.webhook(provider, error instanceof GatewayError ? error.code : 'INTERNAL');
          throw error;
        }
      },
    },
  };
}

/**
 * A proof is over the bytes as received, so a body that is authentic is kept, whatever its `Content-Encoding`. If it is not,
 * and it is compressed, a proxy has probably compressed it after it was signed.
 */
function explainCompression(error: unknown): unknown {
  if (!(error instanceof SignatureError)) return error;
  return new SignatureError('COMPRESSED', error.message, { cause: error });
}

function compressed(): GatewayError {
  return new GatewayError(
    'UNSUPPORTED_MEDIA_TYPE',
    'expected the body as its vendor signed it, without compression on the way',
  );
}

function splitPath(path: string): { provider: ProviderId; subpath: string } {
  const slash = path.indexOf('/');
  if (slash < 0) return { provider: decode(path), subpath: '' };
  return { provider: decode(path.slice(0, slash)), subpath: decode(path.slice(slash + 1)) };
}

/** No secret and no path of a vendor has NUL in it, and no database keeps one. */
function decode(text: string): string {
  const decoded = percentDecoded(text);
  if (decoded !== undefined && isWellFormedText(decoded)) return decoded;
  throw new GatewayError('NOT_FOUND', 'expected a percent-encoded path without NUL');
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Every value that was sent, where Node would drop the second. */
function headersOf(request: IncomingMessage): WebhookRequest['headers'] {
  const entries = Object.entries(request.headersDistinct);
  return Object.fromEntries(entries.map(([name, values]) => [name, values?.join(', ')]));
}
