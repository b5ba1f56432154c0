/** HTTP GET to a provider API with limits. Errors state the kind of failure and never contain received data. */

import { PayloadError, ProviderApiError } from '../../domain/errors';
import { readJson } from './json';

/** A request with its credentials. */
export interface ApiRequest {
  /** `https://api.example.com`, without a path. */
  readonly origin: string;
  /** Path and query, as signed. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /**
   * Classifies an error response that the provider documents. `RESPONSE`: the body contains the status. `NOT_FOUND`: the
   * identity does not exist, which is the default for 404.
   */
  readonly classify?: (status: number, body: Buffer) => 'RESPONSE' | 'NOT_FOUND' | undefined;
}

/** A response about one identity has a few hundred bytes, so this limit is never reached in practice. */
const MAX_BODY_BYTES = 256 * 1024;
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000;

/**
 * Sends the request and returns the body, which is a JSON object. Returns undefined if the identity does not exist. Does not
 * follow redirects: they would send the credentials to another host.
 *
 * @throws {ProviderApiError}
 */
export async function requestApi(request: ApiRequest): Promise<Buffer | undefined> {
  const { origin, path, headers, signal, classify } = request;
  // An ID such as `..` would change the path. No provider issues such IDs.
  if (new URL(origin + path).href !== origin + path) return undefined;
  const { response, body } = await fetchBody(origin + path, {
    headers: { accept: 'application/json', ...headers },
    redirect: 'manual',
    signal,
  });
  const { status } = response;
  const outcome = classify?.(status, body) ?? (status === 404 ? 'NOT_FOUND' : undefined);
  if (outcome === 'NOT_FOUND') return undefined;
  if (status !== 200 && outcome !== 'RESPONSE') throw toApiError(response);
  try {
    readJson(body);
    return body;
  } catch (error) {
    if (error instanceof PayloadError) {
      throw new ProviderApiError('UNREADABLE', 'The response is not a JSON object.');
    }
    throw error;
  }
}

async function fetchBody(
  url: string,
  init: RequestInit,
): Promise<{ readonly response: Response; readonly body: Buffer }> {
  try {
    const response = await fetch(url, init);
    return { response, body: await readBody(response) };
  } catch (error) {
    if (error instanceof ProviderApiError) throw error;
    // Without `cause`: network errors contain addresses, and parser errors quote the response.
    const name = error instanceof Error || error instanceof DOMException ? error.name : '';
    const isTimeout = name === 'TimeoutError' || name === 'AbortError';
    throw new ProviderApiError(
      'UNAVAILABLE',
      isTimeout ? 'The request timed out.' : 'The connection failed.',
    );
  }
}

/** Reads the body up to the limit. Counts decompressed bytes, so that a compressed response cannot exceed it. */
async function readBody({ body }: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) {
      throw new ProviderApiError('UNREADABLE', `The response exceeds ${MAX_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toApiError({ status, headers }: Response): ProviderApiError {
  const message = `The response has status ${status}.`;
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), headers.get('date'));
  if (status === 429) return new ProviderApiError('RATE_LIMITED', message, retryAfterMs);
  if (status >= 500 || status === 408)
    return new ProviderApiError('UNAVAILABLE', message, retryAfterMs);
  return new ProviderApiError('REFUSED', message);
}

/** Parses seconds or a date to milliseconds. A date is relative to the provider's `Date` header. */
function parseRetryAfter(value: string | null, sentAt: string | null): number | null {
  if (value === null) return null;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : undefined;
  const ms = seconds === undefined ? Date.parse(value) - Date.parse(sentAt ?? '') : seconds * 1000;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
