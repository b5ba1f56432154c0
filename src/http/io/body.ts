/** Reads the bytes of requests: bounded in size, in time and in memory. */

import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../../domain/errors';
import { type BodyBudgetLimits, createBodyBudget } from '../limits/body-budget';

export interface Bodies {
  /**
   * The body as sent. If it throws, the rest of the body is left unread.
   *
   * @param address - Of the client; its bodies count against one limit.
   * @throws {GatewayError} BODY_TOO_LARGE; {SlowBodyError}; {ShedBodyError}; {AbortedError}.
   */
  read(request: IncomingMessage, address: string, maxBytes: number): Promise<Buffer>;
}

export interface BodyLimits extends BodyBudgetLimits {
  readonly bodyIdleMs: number;
  readonly bodyTimeoutMs: number;
}

/** The client stopped sending in the middle of a body, or sends it too slowly. */
export class SlowBodyError extends GatewayError {
  constructor() {
    super('BODY_TIMEOUT', 'expected the whole body to arrive in time');
  }
}

/** The body was given up to make room for others. */
export class BodyBudgetError extends GatewayError {
  constructor() {
    super('UNAVAILABLE', 'too many bodies are being received; send the same request again later');
  }
}

/** The client is gone, so there is no one to answer. */
class AbortedError extends GatewayError {
  constructor() {
    super('BODY_UNREADABLE', 'the connection ended before the body did');
  }
}

export function createBodies(limits: BodyLimits): Bodies {
  const budget = createBodyBudget(limits);

  return {
    async read(request, address, maxBytes) {
      if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);

      return new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const fail = (error: GatewayError) => settle(() => reject(error));
        const onSlow = () => fail(new SlowBodyError());
        const idle = setTimeout(onSlow, limits.bodyIdleMs);
        const deadline = setTimeout(onSlow, limits.bodyTimeoutMs);
        const account = budget.open(address, () => fail(new BodyBudgetError()));

        function onData(chunk: Buffer): void {
          idle.refresh();
          size += chunk.length;
          if (size > maxBytes) {
            fail(tooLarge(maxBytes));
            return;
          }
          chunks.push(chunk);
          account.add(chunk.length);
        }
        const onEnd = () => settle(() => resolve(Buffer.concat(chunks, size)));
        const onClose = () => fail(new AbortedError());

        function settle(outcome: () => void): void {
          clearTimeout(idle);
          clearTimeout(deadline);
          account.close();
          request.off('data', onData).off('end', onEnd).off('close', onClose).pause();
          outcome();
          chunks.length = 0;
        }

        request.on('error', onClose); // stays: an error without a listener would end the process
        request.on('data', onData).on('end', onEnd).on('close', onClose);
        if (request.destroyed && !request.complete) onClose();
      });
    },
  };
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('BODY_TOO_LARGE', `expected a body of at most ${maxBytes} bytes`);
}
