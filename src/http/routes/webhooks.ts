/**
 * `POST /webhooks/:provider` and subpaths. Some providers append a path of their own; PayCaddy's secret may be the last
 * segment.
 */

import type { IncomingMessage } from 'node:http';
import type { RecordOutcome, WebhookHead, WebhookRequest } from '../../domain/delivery';
import { GatewayError, SignatureError } from '../../domain/errors';
import type { ProviderId } from '../../domain/level';
import { isWellFormedText } from '../../domain/text';
import { type BodyReader, isCompressed } from '../io/body-reader';
import type { Observer } from '../io/observer';
import { sendResponse } from '../io/response';
import type { Route } from '../io/router';
import { clientAddress } from '../limits/client-address';
import type { HttpLimits } from '../limits/limits';
import type { WebhookGuard } from '../limits/webhook-guard';

/** Resolves when the delivery is committed. @throws {GatewayError} If it is not authentic or cannot be stored. */
export type Ingest = (providerId: ProviderId, request: WebhookRequest) => Promise<RecordOutcome>;

/** Verifies what does not need the body. @throws {GatewayError} If the request cannot be authentic with any body. */
export type VerifyHead = (providerId: ProviderId, head: WebhookHead) => void;

export interface WebhookRouteOptions {
  readonly ingest: Ingest;
  readonly verifyHead: VerifyHead;
  readonly guard: WebhookGuard;
  readonly bodyReader: BodyReader;
  readonly trustedProxies: number;
  readonly limits: Pick<HttpLimits, 'maxBodyBytes'>;
  readonly observer: Observer;
}

export function webhookRoute(options: WebhookRouteOptions): Route {
  const { observer, trustedProxies } = options;
  return {
    path: '/webhooks/*',
    methods: {
      async POST({ request, response, rest }) {
        const { provider, subpath } = splitPath(rest);
        const address = clientAddress(request, trustedProxies);
        try {
          const outcome = await receive(options, request, { provider, subpath, address });
          const { deliveryId, disposition, duplicate } = outcome;
          const body = JSON.stringify({ deliveryId, disposition, duplicate });
          sendResponse(request, response, { status: 200, body });
          observer.webhook(provider, duplicate ? 'DUPLICATE' : disposition);
        } catch (thrown) {
          const error = recordFailure(options, thrown, provider, address);
          observer.webhook(provider, error instanceof GatewayError ? error.code : 'INTERNAL');
          throw error;
        }
      },
    },
  };
}

interface Sender {
  readonly provider: ProviderId;
  readonly subpath: string;
  readonly address: string;
}

async function receive(
  { guard, verifyHead, bodyReader, limits, ingest }: WebhookRouteOptions,
  request: IncomingMessage,
  { provider, subpath, address }: Sender,
): Promise<RecordOutcome> {
  guard.assertAllowed(provider, address);
  const head = { headers: joinHeaders(request), subpath };
  verifyHead(provider, head); // before the body, so that clients without the token cannot fill the memory for bodies
  const rawBody = await bodyReader.read(request, address, limits.maxBodyBytes);
  try {
    return await ingest(provider, { ...head, rawBody });
  } catch (error) {
    throw isCompressed(request) ? explainCompression(error) : error;
  }
}

/**
 * Records a failure in the log and the metrics. Only failures are rate-limited, so that a provider that shares its address with
 * other senders is not affected.
 *
 * @returns the error to respond with.
 */
function recordFailure(
  { guard, observer }: WebhookRouteOptions,
  thrown: unknown,
  provider: ProviderId,
  address: string,
): unknown {
  if (!(thrown instanceof GatewayError)) return thrown;
  if (!(thrown instanceof SignatureError)) {
    guard.recordRejection(provider, address, thrown.code);
    return thrown;
  }
  observer.signatureRejected(provider, thrown.reason);
  try {
    guard.recordSignatureFailure(provider, address, thrown.reason);
    return thrown.reason === 'COMPRESSED' ? createCompressionError() : thrown;
  } catch (rateLimited) {
    return rateLimited;
  }
}

/**
 * A signature covers the bytes as received, so an authentic body is stored with any `Content-Encoding`. If the signature of a
 * compressed body does not match, a proxy has probably compressed it after it was signed.
 */
function explainCompression(error: unknown): unknown {
  if (!(error instanceof SignatureError)) return error;
  return new SignatureError('COMPRESSED', error.message, { cause: error });
}

function createCompressionError(): GatewayError {
  return new GatewayError(
    'UNSUPPORTED_MEDIA_TYPE',
    'The body was compressed after it was signed. Turn off compression of request bodies in the proxy.',
  );
}

function splitPath(path: string): { provider: ProviderId; subpath: string } {
  const slash = path.indexOf('/');
  if (slash < 0) return { provider: decode(path), subpath: '' };
  return { provider: decode(path.slice(0, slash)), subpath: decode(path.slice(slash + 1)) };
}

/** Rejects NUL: no secret and no provider's path contains it, and PostgreSQL cannot store it. */
function decode(text: string): string {
  const decoded = decodeOrUndefined(text);
  if (decoded !== undefined && isWellFormedText(decoded)) return decoded;
  throw new GatewayError('NOT_FOUND', 'The path must be valid percent-encoded text without NUL.');
}

function decodeOrUndefined(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Keeps all values of a repeated header. `request.headers` drops some. */
function joinHeaders(request: IncomingMessage): WebhookRequest['headers'] {
  const entries = Object.entries(request.headersDistinct);
  return Object.fromEntries(entries.map(([name, values]) => [name, values?.join(', ')]));
}
