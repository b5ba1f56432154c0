/** The pipeline from a request to a kept delivery, the same for every vendor. */

import { GatewayError, UnknownProviderError } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import type { WebhookRequest } from '../domain/request';
import type { Provider, StatusAnswer } from '../providers/provider';
import type { KeptDelivery, Reader, Reading, RecordOutcome, Store } from '../store/store';
import { readAnswer, readDelivery } from './read-delivery';
import { createReceiptClock } from './receipt-clock';

export interface IngestOptions {
  /** The vendors that are configured, by slug. */
  readonly providers: ReadonlyMap<ProviderId, Provider>;
  readonly store: Pick<Store, 'record' | 'erasures'> & {
    readonly read: Pick<Reader, 'userByIdentity'>;
  };
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
  const receiptClock = createReceiptClock(clock);
  return async function ingest(providerId, request) {
    const provider = providers.get(providerId);
    if (provider === undefined) throw new UnknownProviderError();

    const { trust, subpath } = provider.verify(request); // throws: nothing unproven goes further
    const receivedAt = receiptClock();
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
    const subjectRef = provider.erasedSubject?.(request);
    if (subjectRef !== undefined) await erase(provider.id, subjectRef, reading.eventType);
    return outcome;
  };

  /** Before the answer, also for a repeat: should it not be done, the vendor sends again. */
  async function erase(provider: ProviderId, subjectRef: string, reason: string | null) {
    const user = await store.read.userByIdentity(provider, subjectRef);
    if (user === null) return;
    const by = { actor: provider, by: `vendor:${provider}` };
    await store.erasures.erase({ userId: user.id, reason, now: clock(), ...by });
    wake();
  }
}

/** Keeps a vendor's answer, as `Ingest` does a webhook. @throws {UnknownProviderError} {StoreUnavailableError} */
export type IngestAnswer = (providerId: ProviderId, answer: StatusAnswer) => Promise<RecordOutcome>;

export function createIngestAnswer({
  providers,
  store,
  wake,
}: Pick<IngestOptions, 'providers' | 'wake'> & {
  readonly store: Pick<Store, 'record'>;
}): IngestAnswer {
  return async function ingestAnswer(providerId, { askedAt, subpath, rawBody }) {
    const provider = providers.get(providerId);
    if (provider === undefined) throw new UnknownProviderError();
    const outcome = await store.record({
      provider: provider.id,
      receivedAt: askedAt,
      rawBody,
      subpath,
      trust: 'CONFIRMED',
      reading: readAnswer(provider, { subpath, rawBody }, askedAt),
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
  return ({ provider: id, rawBody, subpath, trust }) => {
    const provider = providers.get(id);
    if (provider === undefined) {
      throw new GatewayError('PROVIDER_UNKNOWN', 'expected its provider to be configured');
    }
    return trust === 'CONFIRMED'
      ? readAnswer(provider, { rawBody, subpath }, clock())
      : readDelivery(provider, { headers: {}, rawBody, subpath }, clock());
  };
}
