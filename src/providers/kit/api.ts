/** One careful GET to a vendor's API. What goes wrong is told by kind; what the vendor sent is never part of a message. */

import { PayloadError, ProviderApiError } from '../../domain/errors';
import { readJson } from './json';

/** One origin and what proves to it that it is us. */
export interface ApiRequest {
  /** `https://api.example.com`, without a path. */
  readonly origin: string;
  /** With the query, as it is signed. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /**
   * The meaning of an error response where the vendor documents one. `ANSWER`: the body answers the question; `UNKNOWN`: there
   * is no such account, which 404 means by default.
   */
  readonly classify?: (status: number, body: Buffer) => 'ANSWER' | 'UNKNOWN' | undefined;
}

/** An answer about one account takes a few hundred bytes; nothing that an account may hold comes near this. */
const MAX_BODY_BYTES = 256 * 1024;
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000;

/**
 * The body of the answer, which is a JSON object; `undefined` where there is no such account. Redirects are not followed:
 * they would carry our credentials elsewhere.
 *
 * @throws {ProviderApiError}
 */
export async function requestApi(question: ApiRequest): Promise<Buffer | undefined> {
  const { origin, path, headers, signal, classify: meaningOf } = question;
  // An id such as `..` would lead elsewhere; no vendor makes one.
  if (new URL(origin + path).href !== origin + path) return undefined;
  const { response, body } = await exchange(origin + path, {
    headers: { accept: 'application/json', ...headers },
    redirect: 'manual',
    signal,
  });
  const { status } = response;
  const meaning = meaningOf?.(status, body) ?? (status === 404 ? 'UNKNOWN' : undefined);
  if (meaning === 'UNKNOWN') return undefined;
  if (status !== 200 && meaning !== 'ANSWER') throw faultOf(response);
  try {
    readJson(body);
    return body;
  } catch (error) {
    if (error instanceof PayloadError) {
      throw new ProviderApiError('UNREADABLE', 'the answer is not a JSON object');
    }
    throw error;
  }
}

async function exchange(
  url: string,
  init: RequestInit,
): Promise<{ readonly response: Response; readonly body: Buffer }> {
  try {
    const response = await fetch(url, init);
    return { response, body: await readBody(response) };
  } catch (error) {
    if (error instanceof ProviderApiError) throw error;
    // Without the cause: errors of the network name addresses, and those of the parser quote what was sent.
    const name = error instanceof Error || error instanceof DOMException ? error.name : '';
    const late = name === 'TimeoutError' || name === 'AbortError';
    throw new ProviderApiError('UNAVAILABLE', late ? 'no answer in time' : 'the connection failed');
  }
}

/** Counts what is unpacked, so that a small answer cannot become a large one. */
async function readBody({ body }: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) {
      throw new ProviderApiError('UNREADABLE', `the answer has more than ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function faultOf({ status, headers }: Response): ProviderApiError {
  const message = `the answer has the status ${status}`;
  const retryAfterMs = retryAfter(headers.get('retry-after'), headers.get('date'));
  if (status === 429) return new ProviderApiError('RATE_LIMITED', message, retryAfterMs);
  if (status >= 500 || status === 408)
    return new ProviderApiError('UNAVAILABLE', message, retryAfterMs);
  return new ProviderApiError('REFUSED', message);
}

/** Seconds, or a date, which is measured from the vendor's own clock. */
function retryAfter(value: string | null, sentAt: string | null): number | null {
  if (value === null) return null;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : undefined;
  const ms = seconds === undefined ? Date.parse(value) - Date.parse(sentAt ?? '') : seconds * 1000;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
