/** Posts deliveries like a provider: retries each until it is acknowledged, over many parallel connections. */

import { setTimeout as sleep } from 'node:timers/promises';
import { signedRequest } from '../../support/sign';
import type { Lane, Post } from './deliveries';
import { SECRETS } from './secrets';

export interface Sending {
  /** Answered 200 so far. */
  readonly acknowledged: readonly Post[];
  /** Requests made so far, those without an answer included. */
  readonly sent: number;
  /** Requests now waiting for an answer. */
  readonly underWay: number;
  /** Responses other than 200 so far. */
  readonly setbacks: Readonly<Record<Setback, number>>;
  /** Resolves when all posts are acknowledged. */
  readonly done: Promise<void>;
}

/** `BARE` is a 503 without `Retry-After`. */
export type Setback = 'UNAVAILABLE' | 'BARE' | 'REFUSED_CONNECTION' | 'BROKEN_CONNECTION';

export interface SendingOptions {
  /** Target of the next post. */
  readonly to: { url(): Promise<string> };
  readonly connections: number;
  /** Interval between new posts over all connections, in milliseconds. */
  readonly everyMs?: number;
}

const RETRY_MS = 5;
const RETRY_UNAVAILABLE_MS = 50;
const TIMEOUT_MS = 30_000;

export function startSending(
  lanes: readonly Lane[],
  { to, connections, everyMs = 0 }: SendingOptions,
): Sending {
  const acknowledged: Post[] = [];
  const setbacks = { UNAVAILABLE: 0, BARE: 0, REFUSED_CONNECTION: 0, BROKEN_CONNECTION: 0 };
  const waiting = lanes[Symbol.iterator](); // shared: each connection takes the next lane
  let sent = 0;
  let underWay = 0;
  let nextAt = performance.now();

  /** Resolves when the next new post may be sent. */
  async function turn(): Promise<void> {
    if (everyMs === 0) return;
    nextAt = Math.max(nextAt, performance.now()) + everyMs;
    await sleep(nextAt - performance.now());
  }

  async function work(): Promise<void> {
    for (const lane of waiting) {
      for (const post of lane) {
        await turn();
        await deliver(post);
        acknowledged.push(post);
      }
    }
  }

  async function deliver(post: Post): Promise<void> {
    for (;;) {
      const url = await to.url();
      sent += 1;
      underWay += 1;
      const answer = await answerTo(post, url).finally(() => {
        underWay -= 1;
      });
      if (answer === 'OK') return;
      setbacks[answer] += 1;
      await sleep(answer === 'UNAVAILABLE' ? RETRY_UNAVAILABLE_MS : RETRY_MS);
    }
  }

  const done = Promise.all(Array.from({ length: connections }, work)).then(() => {});
  done.catch(() => {}); // handled by the caller that awaits it
  return {
    acknowledged,
    done,
    setbacks,
    get sent() {
      return sent;
    },
    get underWay() {
      return underWay;
    },
  };
}

/** The status counts even if the body is lost. @throws {Error} For a response that a retry cannot fix. */
async function answerTo({ provider, body }: Post, url: string): Promise<'OK' | Setback> {
  const request = signedRequest(provider, body, { secret: SECRETS[provider] });
  let response: Response;
  try {
    response = await fetch(`${url}${request.path}`, {
      method: 'POST',
      headers: request.headers,
      body: request.body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.arrayBuffer().catch(() => {});
  } catch (error) {
    return wasRefused(error) ? 'REFUSED_CONNECTION' : 'BROKEN_CONNECTION';
  }
  if (response.status === 200) return 'OK';
  if (response.status === 503) return response.headers.has('retry-after') ? 'UNAVAILABLE' : 'BARE';
  throw new Error(`a delivery of ${provider} was answered ${response.status}`);
}

/** The connection was refused, so no request was sent. A load balancer tries the next instance. */
function wasRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'syscall' in cause && cause.syscall === 'connect';
}
