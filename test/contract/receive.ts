/** Hands a vendor's request to its adapter, the way the pipeline does, without the pipeline. */

import type { WebhookRequest } from '../../src/domain/delivery';
import {
  GatewayError,
  PayloadError,
  UnknownTypeError,
  UnmappedStatusError,
} from '../../src/domain/errors';
import type { VerificationEvent } from '../../src/domain/event';
import type { Message, Provider } from '../../src/providers/provider';
import type { VendorRequest } from '../support/sign';

/** What becomes of an authentic message; the shape of `<case>.events.json`. */
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

/** As the HTTP layer hands it on: header names in lower case, the rest of the path decoded. */
export function toWebhookRequest({ path, headers, body }: VendorRequest): WebhookRequest {
  const [, , , ...rest] = path.split('/');
  return {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    rawBody: body,
    subpath: rest.map(decodeURIComponent).join('/'),
  };
}

/** @throws whatever `verify` throws, and anything else that is not a known fault of the content. */
export function receive(provider: Provider, vendorRequest: VendorRequest): Outcome {
  const request = toWebhookRequest(vendorRequest);
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

/** The events of a request that must have some. */
export function eventsOf(provider: Provider, request: VendorRequest): readonly VerificationEvent[] {
  const outcome = receive(provider, request);
  if (!('events' in outcome)) throw new Error(`no events: ${JSON.stringify(outcome)}`);
  return outcome.events;
}

/** What the adapter makes of the request before it is translated. */
export function messageOf(provider: Provider, request: VendorRequest): Message<unknown> {
  return provider.parse(toWebhookRequest(request));
}

/** What `act` throws, which has to be an error with a code. */
export function errorOf(act: () => unknown): GatewayError {
  try {
    act();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('expected an error');
}
