/** Limits the memory of deliveries that wait for their commit. The provider sends a rejected delivery again. */

import type { IncomingDelivery } from '../../domain/delivery';
import { StoreUnavailableError } from '../../domain/errors';
import type { DeliveryWriter } from './delivery-writer';

/** Maximum total size of waiting deliveries, in bytes. Until its commit, a body is in memory up to three times. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Wraps `record`. It throws {StoreUnavailableError} while the limit is reached, but always accepts a delivery if no other waits. */
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

/** Size of a delivery in addition to its body, in bytes. */
const ROW_BYTES = 1_024;
