/** Posts like the vendors: again and again until it is acknowledged, over many connections at once. */

import { setTimeout as sleep } from 'node:timers/promises';
import { signedRequest } from '../support/sign';
import type { Lane, Post } from './deliveries';
import type { GatewayProcess } from './gateway-process';
import { SECRETS } from './secrets';

export interface Sending {
  /** Answered 200 so far. */
  readonly acknowledged: readonly Post[];
  /** Requests made so far, those without an answer included. */
  readonly sent: number;
  /** Requests now waiting for an answer. */
  readonly underWay: number;
  /** Resolves when all are acknowledged. */
  readonly done: Promise<void>;
}

const PAUSE_MS = 5;
const TIMEOUT_MS = 30_000;
const TRY_AGAIN = 503;

export function startSending(
  lanes: readonly Lane[],
  gateway: Pick<GatewayProcess, 'url'>,
  connections: number,
): Sending {
  const acknowledged: Post[] = [];
  const waiting = lanes[Symbol.iterator](); // shared: each connection takes the next lane
  let sent = 0;
  let underWay = 0;

  async function work(): Promise<void> {
    for (const lane of waiting) {
      for (const post of lane) {
        while (!(await isAcknowledged(post))) await sleep(PAUSE_MS);
        acknowledged.push(post);
      }
    }
  }

  /** @throws {Error} for an answer that no repetition would mend. */
  async function isAcknowledged(post: Post): Promise<boolean> {
    const url = await gateway.url();
    sent += 1;
    underWay += 1;
    const status = await answerTo(post, url).finally(() => {
      underWay -= 1;
    });
    if (status === 200) return true;
    if (status === undefined || status === TRY_AGAIN) return false;
    throw new Error(`a delivery of ${post.provider} was answered ${status}`);
  }

  const done = Promise.all(Array.from({ length: connections }, work)).then(() => {});
  done.catch(() => {}); // told to whoever awaits it
  return {
    acknowledged,
    done,
    get sent() {
      return sent;
    },
    get underWay() {
      return underWay;
    },
  };
}

/** The status, or `undefined` if the connection broke first. A status counts though the body after it be lost. */
async function answerTo({ provider, body }: Post, url: string): Promise<number | undefined> {
  const request = signedRequest(provider, body, { secret: SECRETS[provider] });
  try {
    const response = await fetch(`${url}${request.path}`, {
      method: 'POST',
      headers: request.headers,
      body: request.body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.arrayBuffer().catch(() => {});
    return response.status;
  } catch {
    return undefined;
  }
}
