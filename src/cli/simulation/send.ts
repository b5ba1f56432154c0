/** Sends webhooks like a provider. */

import { parseJson } from '../../config/parsers';
import type { SignOptions } from '../../providers/provider';
import { signDelivery } from '../../providers/registry';
import { CliError } from '../context';
import type { PlannedRequest, RequestSequence } from './plan';
import type { ProviderSimulator } from './scenario';

export interface GatewayTarget {
  /** URL of the gateway, without a path. */
  readonly url: string;
  readonly simulator: ProviderSimulator;
  /** Returns the secret of a notification type. */
  readonly getSecret: (type: string | undefined) => string;
  readonly signing: SignOptions;
}

export interface WebhookResponse {
  readonly status: number;
  /** Disposition of the delivery, or the error code. */
  readonly result: string;
  /** Whether the response is correct for the request. */
  readonly isExpected: boolean;
}

/** Statuses for tampered requests: 401 for an invalid signature, 429 after too many of them. */
const REJECTED_STATUSES: ReadonlySet<number> = new Set([401, 429]);
const MAX_CONCURRENCY = 16;
const TIMEOUT_MS = 30_000;

/** Sends the sequences concurrently. @param onResponse - Called for each response. */
export async function sendRequests(
  sequences: readonly RequestSequence[],
  target: GatewayTarget,
  onResponse: (request: PlannedRequest, response: WebhookResponse) => void,
): Promise<void> {
  const queue = sequences[Symbol.iterator](); // shared, so that each worker takes the next sequence
  async function work(): Promise<void> {
    for (const sequence of queue) {
      for (const request of sequence) onResponse(request, await sendRequest(request, target));
    }
  }
  await Promise.all(Array.from({ length: MAX_CONCURRENCY }, work));
}

async function sendRequest(
  { webhook, tampering }: PlannedRequest,
  target: GatewayTarget,
): Promise<WebhookResponse> {
  const { simulator, url } = target;
  const genuine = target.getSecret(webhook.type);
  const secret = tampering === 'SECRET' ? changeLastCharacter(genuine) : genuine;
  const body = Buffer.from(webhook.body);
  const { subpath, headers } = signDelivery(simulator.provider, body, secret, target.signing);

  const response = await post(
    `${url}/webhooks/${simulator.provider}/${subpath}`.replace(/\/$/, ''),
    {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: tampering === 'BODY' ? Buffer.from(changeLastCharacter(webhook.body)) : body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    },
  );
  const { status } = response;
  const result = parseResult(await response.text());
  return {
    status,
    result,
    isExpected: tampering ? REJECTED_STATUSES.has(status) : status === 200,
  };
}

async function post(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    const { origin } = new URL(url); // the path may contain a secret
    throw new CliError(
      `No gateway responds at ${origin}. Start it, or pass another URL with --url.`,
      { cause: error },
    );
  }
}

/** Changes the last character. The result is still valid in a URL and a header. */
function changeLastCharacter(text: string): string {
  return text.slice(0, -1) + (text.endsWith('x') ? 'y' : 'x');
}

/** Parses `{ disposition, duplicate }` or `{ error: { code } }`. */
function parseResult(body: string): string {
  const response = parseJson(body);
  const error = getProperty(response, 'error');
  const result = getProperty(response, 'disposition') ?? getProperty(error, 'code');
  if (typeof result !== 'string') return '';
  return getProperty(response, 'duplicate') === true ? `${result} (duplicate)` : result;
}

function getProperty(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
