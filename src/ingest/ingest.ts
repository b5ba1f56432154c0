/** The pipeline from a request to a kept delivery, the same for every vendor. */

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
import { readAnswer, readDelivery } from './read-delivery';
import { createReceiptClock } from './receipt-clock';

export interface IngestOptions {
  /** The vendors that are configured, by slug. */
  readonly providers: ReadonlyMap<ProviderId, Provider>;
  readonly store: Pick<Store, 'record' | 'erasures'>;
  /** Tells the feed that the log has grown. */
  readonly wake: () => void;
  readonly clock: () => Date;
  /** How far an event may be dated ahead of its receipt, in milliseconds. */
  readonly clockSkewMs: number;
  /** Called when a delivery of a type that the adapter does not know has been quarantined. */
  readonly onUnknownType?: (provider: ProviderId) => void;
}

/**
 * Resolves once the delivery and all that follows from it are committed.
 *
 * @throws {UnknownProviderError} {SignatureError} {StoreUnavailableError}
 */
export type Ingest = (providerId: ProviderId, request: WebhookRequest) => Promise<RecordOutcome>;

/**
 * Verifies as much of a proof as needs no body.
 *
 * @throws {UnknownProviderError} {SignatureError}
 */
export type VerifyHead = (providerId: ProviderId, head: WebhookHead) => void;

export function createVerifyHead({ providers }: Pick<IngestOptions, 'providers'>): VerifyHead {
  return function verifyHead(providerId, head) {
    const provider = providers.get(providerId);
    if (provider === undefined) throw new UnknownProviderError();
    provider.verifyHead?.(head);
  };
}

export function createIngest({
  providers,
  store,
  wake,
  clock,
  clockSkewMs,
  onUnknownType,
}: IngestOptions): Ingest {
  const receiptClock = createReceiptClock(clock);
  return async function ingest(providerId, request) {
    const provider = providers.get(providerId);
    if (provider === undefined) throw new UnknownProviderError();

    const { trust, subpath } = provider.verify(request); // throws: nothing unproven goes further
    const receivedAt = receiptClock();
    const reading = readDelivery(provider, request, ahead(receivedAt, clockSkewMs));

    const { rawBody } = request;
    const outcome = await store.record({
      provider: provider.id,
      receivedAt,
      rawBody,
      subpath: storable(subpath),
      trust,
      reading,
    });
    if (outcome.changes > 0) wake();
    if (isOfUnknownType(reading) && !outcome.duplicate) onUnknownType?.(provider.id);
    const erased = provider.findErasedIdentity?.(request);
    if (erased !== undefined) {
      // Before the answer, also for a repeat: should it not be done, the vendor sends again.
      await store.erasures.eraseAccount({
        provider: provider.id,
        subjectRef: erased.subjectRef,
        occurredAt: erased.occurredAt,
        deliveryId: outcome.deliveryId,
        reason: reading.eventType,
        changeActor: provider.id,
        auditActor: `vendor:${provider.id}`,
        now: clock(),
      });
      wake();
    }
    return outcome;
  };
}

function isOfUnknownType(reading: Reading): boolean {
  return reading.kind === 'QUARANTINED' && reading.reason.code === 'TYPE_UNKNOWN';
}

/** A subpath that no adapter knows is whatever the sender chose: NUL in it, which no database stores, or 16 KiB. */
function storable(subpath: string): string {
  return truncate(subpath.replaceAll('\0', '\ufffd'), MAX_NAME_LENGTH);
}

/** Keeps a vendor's answer, as `Ingest` does a webhook. @throws {UnknownProviderError} {StoreUnavailableError} */
export type IngestAnswer = (
  providerId: ProviderId,
  answer: StatusResponse,
) => Promise<RecordOutcome>;

export function createIngestAnswer({
  providers,
  store,
  wake,
  clockSkewMs,
}: Pick<IngestOptions, 'providers' | 'wake' | 'clockSkewMs'> & {
  readonly store: Pick<Store, 'record'>;
}): IngestAnswer {
  return async function ingestAnswer(providerId, { requestedAt: askedAt, subpath, rawBody }) {
    const provider = providers.get(providerId);
    if (provider === undefined) throw new UnknownProviderError();
    const outcome = await store.record({
      provider: provider.id,
      receivedAt: askedAt,
      rawBody,
      subpath,
      trust: 'CONFIRMED',
      reading: readAnswer(provider, { subpath, rawBody }, ahead(askedAt, clockSkewMs)),
    });
    if (outcome.changes > 0) wake();
    return outcome;
  };
}

/** What reads a kept delivery again; it proved itself when it came. Throws PROVIDER_UNKNOWN if its vendor is not there. */
export function createReread(
  providers: ReadonlyMap<ProviderId, Provider>,
  clock: () => Date,
  clockSkewMs: number,
): (delivery: StoredDelivery) => Reading {
  return ({ provider: id, rawBody, subpath, trust }) => {
    const provider = providers.get(id);
    if (provider === undefined) {
      throw new GatewayError('PROVIDER_UNKNOWN', 'expected its provider to be configured');
    }
    const latest = ahead(clock(), clockSkewMs);
    return trust === 'CONFIRMED'
      ? readAnswer(provider, { rawBody, subpath }, latest)
      : readDelivery(provider, { headers: {}, rawBody, subpath }, latest);
  };
}

function ahead(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms);
}
