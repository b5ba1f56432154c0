/** Reads request bodies within limits on size, time and memory. */

import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../../domain/errors';
import { type BodyBudgetLimits, createBodyBudget } from '../limits/body-budget';

export interface BodyReader {
  /**
   * Returns the body as sent. If it throws, the rest of the body is left unread.
   *
   * @param address - Address of the client, for the memory limit per network.
   * @throws {GatewayError} BODY_TOO_LARGE, or BODY_UNREADABLE if the connection ends before the body.
   * @throws {SlowBodyError} If the body does not arrive in time.
   * @throws {BodyBudgetError} If the body was evicted to free memory.
   */
  read(request: IncomingMessage, address: string, maxBytes: number): Promise<Buffer>;
}

export interface BodyLimits extends BodyBudgetLimits {
  readonly bodyIdleMs: number;
  readonly bodyTimeoutMs: number;
}

export class SlowBodyError extends GatewayError {
  constructor() {
    super('BODY_TIMEOUT', 'The body did not arrive in time. Send it without pauses.');
  }
}

export class BodyBudgetError extends GatewayError {
  constructor() {
    super(
      'UNAVAILABLE',
      'Too many request bodies are being received. Retry after the `Retry-After` interval.',
    );
  }
}

/** The connection is closed, so the client does not receive this error. */
class AbortedError extends GatewayError {
  constructor() {
    super('BODY_UNREADABLE', 'The connection was closed before the body was complete.');
  }
}

const COMPRESSIONS: ReadonlySet<string> = new Set([
  'br',
  'compress',
  'dcb',
  'dcz',
  'deflate',
  'gzip',
  'x-compress',
  'x-gzip',
  'zstd',
]);

/** Whether `Content-Encoding` names a compression. Some senders put a character set there; such values are ignored. */
export function isCompressed({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const codings = headers['content-encoding']?.split(',') ?? [];
  return codings.some((coding) => COMPRESSIONS.has(coding.trim().toLowerCase()));
}

export function createBodyReader(limits: BodyLimits): BodyReader {
  const budget = createBodyBudget(limits);

  return {
    async read(request, address, maxBytes) {
      if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);

      return new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const fail = (error: GatewayError) => finish(() => reject(error));
        const onSlow = () => fail(new SlowBodyError());
        const idle = setTimeout(onSlow, limits.bodyIdleMs);
        const deadline = setTimeout(onSlow, limits.bodyTimeoutMs);
        const reservation = budget.reserve(address, () => fail(new BodyBudgetError()));

        function onData(chunk: Buffer): void {
          idle.refresh();
          size += chunk.length;
          if (size > maxBytes) {
            fail(tooLarge(maxBytes));
            return;
          }
          chunks.push(chunk);
          reservation.add(chunk.length);
        }
        const onEnd = () => finish(() => resolve(Buffer.concat(chunks, size)));
        const onClose = () => fail(new AbortedError());

        function finish(outcome: () => void): void {
          clearTimeout(idle);
          clearTimeout(deadline);
          reservation.close();
          request.off('data', onData).off('end', onEnd).off('close', onClose).pause();
          outcome();
          chunks.length = 0;
        }

        request.on('error', onClose); // never removed: an error without a listener ends the process
        request.on('data', onData).on('end', onEnd).on('close', onClose);
        if (request.destroyed && !request.complete) onClose();
      });
    },
  };
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('BODY_TOO_LARGE', `The body must be at most ${maxBytes} bytes.`);
}
