/** Refuses deliveries while those that wait for their commit weigh too much: the provider sends a refused one again. */

import type { IncomingDelivery } from '../../domain/delivery';
import { StoreUnavailableError } from '../../domain/errors';
import type { DeliveryWriter } from './delivery-writer';

/** Bytes of the bodies that may wait. Memory holds each body up to three times until its commit. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** @returns `record`, which throws {StoreUnavailableError} while the limit is reached. A delivery alone is never refused. */
export function limitQueue(
  record: DeliveryWriter['record'],
  maxBytes = MAX_WAITING_BYTES,
): DeliveryWriter['record'] {
  let waiting = 0;
  return async (delivery) => {
    const bytes = sizeOf(delivery);
    if (waiting > 0 && waiting + bytes > maxBytes) throw new StoreUnavailableError();
    waiting += bytes;
    try {
      return await record(delivery);
    } finally {
      waiting -= bytes;
    }
  };
}

function sizeOf({ rawBody }: IncomingDelivery): number {
  return rawBody.length + ROW_BYTES;
}

/** What a delivery weighs in addition to its body. */
const ROW_BYTES = 1_024;
