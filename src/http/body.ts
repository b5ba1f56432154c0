/** Reads the bytes of a request: bounded in size and in patience. */

import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../domain/errors';
import type { HttpLimits } from './limits';

/** The client stopped sending in the middle of a body. */
export class SlowBodyError extends GatewayError {
  constructor() {
    super('BODY_UNREADABLE', 'expected the body to keep coming');
  }
}

/** The client is gone: there is nobody to answer. */
class AbortedError extends GatewayError {
  constructor() {
    super('BODY_UNREADABLE', 'the connection ended before the body did');
  }
}

/**
 * The body as sent. Where it throws, the rest of the body is left unread.
 * @throws {GatewayError} UNSUPPORTED_MEDIA_TYPE if the bytes are encoded (we check them as sent), BODY_TOO_LARGE;
 *   {SlowBodyError}; {AbortedError}.
 */
export async function readBody(
  request: IncomingMessage,
  { maxBodyBytes, bodyIdleMs }: Pick<HttpLimits, 'maxBodyBytes' | 'bodyIdleMs'>,
): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'expected a body without Content-Encoding');
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge(maxBodyBytes);

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const idle = setTimeout(() => settle(() => reject(new SlowBodyError())), bodyIdleMs);

    function onData(chunk: Buffer): void {
      idle.refresh();
      size += chunk.length;
      if (size > maxBodyBytes) settle(() => reject(tooLarge(maxBodyBytes)));
      else chunks.push(chunk);
    }
    const onEnd = () => settle(() => resolve(Buffer.concat(chunks, size)));
    const onClose = () => settle(() => reject(new AbortedError()));

    function settle(outcome: () => void): void {
      clearTimeout(idle);
      request.off('data', onData).off('end', onEnd).off('close', onClose).pause();
      outcome();
    }

    request.on('error', onClose); // stays: an error without a listener would end the process
    request.on('data', onData).on('end', onEnd).on('close', onClose);
    if (request.destroyed && !request.complete) onClose();
  });
}

function tooLarge(maxBodyBytes: number): GatewayError {
  return new GatewayError('BODY_TOO_LARGE', `expected a body of at most ${maxBodyBytes} bytes`);
}
