/** The pipeline from a request to a stored delivery, the same for every provider. */

import type {
  Reading,
  RecordOutcome,
  StoredDelivery,
  WebhookHead,
  WebhookRequest,
} from '../domain/delivery';
import { GatewayError, UnknownProviderError } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import { MAX_NAME_LENGTH, truncate } from '../domain/text';
import type { Provider, StatusResponse } from '../providers/provider';
import type { Store } from '../store/store';
import { readDelivery, readResponse } from './read-delivery';

type Providers = ReadonlyMap<ProviderId, Provider>;

export interface IngestOptions {
  /** Configured providers, by slug. */
  readonly providers: Providers;
  readonly store: Pick<Store, 'record' | 'erasures'>;
  /** Notifies the feed of new entries in the change log. */
  readonly wake: () => void;
  readonly clock: () => Date;
  /** Maximum time by which an event may be dated ahead of its receipt, in milliseconds. */
  readonly clockSkewMs: number;
  /** Called after a delivery of a type that the adapter does not know was quarantined. */
  readonly onUnknownType?: (provider: ProviderId) => void;
}

/** Returns a function that verifies the part of the proof that needs no body. */
export function createVerifyHead({ providers }: Pick<IngestOptions, 'providers'>) {
  /** @throws {UnknownProviderError | SignatureError} */
  return function verifyHead(providerId: ProviderId, head: WebhookHead): void {
    getProvider(providers, providerId).verifyHead?.(head);
  };
}

/** Returns a function that resolves once a webhook and all its effects are committed. */
export function createIngest(options: IngestOptions) {
  const { providers, store, wake, clock, clockSkewMs, onUnknownType } = options;
  const receiptClock = createReceiptClock(clock);

  /** @throws {UnknownProviderError | SignatureError | StoreUnavailableError} */
  return async function ingest(
    providerId: ProviderId,
    request: WebhookRequest,
  ): Promise<RecordOutcome> {
    const provider = getProvider(providers, providerId);
    const { trust, subpath } = provider.verify(request);
    const receivedAt = receiptClock();
    const reading = readDelivery(provider, request, addMs(receivedAt, clockSkewMs));
    const outcome = await store.record({
      provider: provider.id,
      receivedAt,
      rawBody: request.rawBody,
      subpath: toStorableSubpath(subpath),
      trust,
      reading,
    });
    if (outcome.changes > 0) wake();
    if (isOfUnknownType(reading) && !outcome.duplicate) onUnknownType?.(provider.id);
    const erased = provider.findErasedIdentity?.(request);
    if (erased !== undefined) {
      // Runs before the response, also for a duplicate: after a failure, the provider sends the webhook again.
      await store.erasures.eraseIdentity({
        provider: provider.id,
        subjectRef: erased.subjectRef,
        occurredAt: erased.occurredAt,
        deliveryId: outcome.deliveryId,
        reason: reading.eventType,
        changeActor: provider.id,
        auditActor: `provider:${provider.id}`,
        now: clock(),
      });
      wake();
    }
    return outcome;
  };
}

/** Stores a status response, as `ingest` stores a webhook. @throws {UnknownProviderError | StoreUnavailableError} */
export type IngestResponse = (
  providerId: ProviderId,
  response: StatusResponse,
) => Promise<RecordOutcome>;

export function createIngestResponse({
  providers,
  store,
  wake,
  clockSkewMs,
}: Pick<IngestOptions, 'providers' | 'wake' | 'clockSkewMs'> & {
  readonly store: Pick<Store, 'record'>;
}): IngestResponse {
  return async function ingestResponse(providerId, { requestedAt, subpath, rawBody }) {
    const provider = getProvider(providers, providerId);
    const outcome = await store.record({
      provider: provider.id,
      receivedAt: requestedAt,
      rawBody,
      subpath,
      trust: 'CONFIRMED',
      reading: readResponse(provider, { subpath, rawBody }, addMs(requestedAt, clockSkewMs)),
    });
    if (outcome.changes > 0) wake();
    return outcome;
  };
}

/**
 * Returns a function that parses a stored delivery again, without verifying it.
 *
 * @throws {GatewayError} The returned function throws `PROVIDER_UNKNOWN` if the provider is not configured.
 */
export function createReread(
  providers: Providers,
  clock: () => Date,
  clockSkewMs: number,
): (delivery: StoredDelivery) => Reading {
  return ({ provider: id, rawBody, subpath, trust }) => {
    const provider = providers.get(id);
    if (provider === undefined) {
      const message = 'The provider of this delivery must be configured.';
      throw new GatewayError('PROVIDER_UNKNOWN', message);
    }
    const latest = addMs(clock(), clockSkewMs);
    return trust === 'CONFIRMED'
      ? readResponse(provider, { rawBody, subpath }, latest)
      : readDelivery(provider, { headers: {}, rawBody, subpath }, latest);
  };
}

function getProvider(providers: Providers, id: ProviderId): Provider {
  const provider = providers.get(id);
  if (provider === undefined) throw new UnknownProviderError();
  return provider;
}

function isOfUnknownType(reading: Reading): boolean {
  return reading.kind === 'QUARANTINED' && reading.reason.code === 'TYPE_UNKNOWN';
}

/** The sender controls a subpath that no adapter knows. It may contain NUL, which no database stores, or 16 KiB of text. */
function toStorableSubpath(subpath: string): string {
  return truncate(subpath.replaceAll('\0', '\ufffd'), MAX_NAME_LENGTH);
}

function addMs(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms);
}

// ── Receipt clock ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Maximum step back of the system clock that is ignored. After a larger one, the clock had been wrong before. */
const MAX_STEP_BACK_MS = 24 * 60 * 60_000;

/**
 * Creates the clock that dates deliveries. It never runs backwards when the system clock is set back by up to 24 hours.
 * Events without a provider timestamp are ordered by receipt: a clock that ran backwards would order an approval before the
 * pending status that it followed.
 */
export function createReceiptClock(clock: () => Date): () => Date {
  let latestMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock().getTime();
    if (nowMs > latestMs || latestMs - nowMs > MAX_STEP_BACK_MS) latestMs = nowMs;
    return new Date(latestMs);
  };
}
