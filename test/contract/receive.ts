/** Passes a provider's request to its adapter like the pipeline, without the pipeline. */

import type { WebhookRequest } from '../../src/domain/delivery';
import {
  GatewayError,
  PayloadError,
  UnknownTypeError,
  UnmappedStatusError,
} from '../../src/domain/errors';
import type { VerificationEvent } from '../../src/domain/event';
import type { Message, Provider } from '../../src/providers/provider';
import type { SignedRequest } from '../support/sign';

/** Result of an authentic message, in the format of `<case>.events.json`. */
export type Outcome =
  | {
      readonly eventType: string;
      readonly duplicateKey: readonly string[];
      readonly events: readonly VerificationEvent[];
    }
  | {
      readonly eventType: string;
      readonly duplicateKey: readonly string[];
      readonly ignored: true;
    }
  | { readonly quarantined: { readonly code: string } };

/** Converts a request like the HTTP layer: header names in lower case, the subpath decoded. */
export function toWebhookRequest({ path, headers, body }: SignedRequest): WebhookRequest {
  const [, , , ...rest] = path.split('/');
  return {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    rawBody: body,
    subpath: rest.map(decodeURIComponent).join('/'),
  };
}

/** Verifies, parses and normalizes a request. @throws {SignatureError} If `verify` throws. */
export function receive(provider: Provider, signedRequest: SignedRequest): Outcome {
  const request = toWebhookRequest(signedRequest);
  provider.verify(request);
  try {
    const { eventType, duplicateKey, payload } = provider.parse(request);
    if (payload === undefined) return { eventType, duplicateKey, ignored: true };
    return { eventType, duplicateKey, events: provider.normalize(payload) };
  } catch (error) {
    const known = [PayloadError, UnknownTypeError, UnmappedStatusError];
    if (!(error instanceof GatewayError) || !known.some((kind) => error instanceof kind)) {
      throw error;
    }
    return { quarantined: { code: error.code } };
  }
}

/** Returns the events of a request. Throws if it has none. */
export function readEvents(
  provider: Provider,
  request: SignedRequest,
): readonly VerificationEvent[] {
  const outcome = receive(provider, request);
  if (!('events' in outcome)) throw new Error(`no events: ${JSON.stringify(outcome)}`);
  return outcome.events;
}

/** Parses a request without normalizing it. */
export function parseMessage(provider: Provider, request: SignedRequest): Message<unknown> {
  return provider.parse(toWebhookRequest(request));
}

/** Returns the {@link GatewayError} that `act` throws. */
export function catchError(act: () => unknown): GatewayError {
  try {
    act();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('expected an error');
}
