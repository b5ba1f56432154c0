/** The pipeline from a request to a kept delivery, the same for every vendor. */

import { GatewayError, UnknownProviderError } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import type { WebhookRequest } from '../domain/request';
import type { Provider } from '../providers/provider';
import type { KeptDelivery, Reading, RecordOutcome, Store } from '../store/store';
import { readDelivery } from './read-delivery';

export interface IngestOptions {
  /** The vendors that are configured, by slug. */
  readonly providers: ReadonlyMap<ProviderId, Provider>;
  readonly store: Pick<Store, 'record'>;
  /** Tells the feed that the log has grown. */
  readonly wake: () => void;
  readonly clock: () => Date;
}

/**
 * Resolves once the delivery and all that follows from it are committed.
 *
 * @throws {UnknownProviderError} {SignatureError} {StoreUnavailableError}
 */
export type Ingest = (providerId: ProviderId, request: WebhookRequest) => Promise<RecordOutcome>;

export function createIngest({ providers, store, wake, clock }: IngestOptions): Ingest {
  return async function ingest(providerId, request) {
    const provider = providers.get(providerId);
    if (provider === undefined) throw new UnknownProviderError();

    const { trust, subpath } = provider.verify(request); // throws: nothing unproven goes further
    const receivedAt = clock();
    const reading = readDelivery(provider, request, receivedAt);

    const { rawBody } = request;
    const outcome = await store.record({
      provider: provider.id,
      receivedAt,
      rawBody,
      subpath,
      trust,
      reading,
    });
    if (outcome.changes > 0) wake();
    return outcome;
  };
}

/** What reads a kept delivery again; it proved itself when it came. Throws PROVIDER_UNKNOWN if its vendor is not there. */
export function createReread(
  providers: ReadonlyMap<ProviderId, Provider>,
  clock: () => Date,
): (delivery: KeptDelivery) => Reading {
  return ({ provider: id, rawBody, subpath }) => {
    const provider = providers.get(id);
    if (provider === undefined) {
      throw new GatewayError('PROVIDER_UNKNOWN', 'expected its provider to be configured');
    }
    return readDelivery(provider, { headers: {}, rawBody, subpath }, clock());
  };
}
