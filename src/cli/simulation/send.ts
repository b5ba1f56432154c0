/** Posts webhooks as a vendor does. */

import { parseJson } from '../../config/parsers';
import type { SignOptions } from '../../providers/provider';
import { signDelivery } from '../../providers/signer';
import { CliError } from '../context';
import type { Lane, Post } from './chaos';
import type { Teller } from './story';

export interface Target {
  /** Of the gateway, without a path. */
  readonly url: string;
  readonly teller: Teller;
  /** The secret that goes with a notification type. */
  readonly secretFor: (type: string | undefined) => string;
  readonly signing: SignOptions;
}

export interface Answer {
  readonly status: number;
  /** Disposition of the delivery, or why there is none. */
  readonly word: string;
  /** Whether it is what this request should be answered. */
  readonly expected: boolean;
}

/** Of what nobody can have sent who may: at first because its proof is wrong, and then because so many were. */
const REFUSED: ReadonlySet<number> = new Set([401, 429]);
const LANES_AT_ONCE = 16;
const TIMEOUT_MS = 30_000;

/** @param answered - Called for each answer, as it comes. */
export async function send(
  lanes: readonly Lane[],
  target: Target,
  answered: (post: Post, answer: Answer) => void,
): Promise<void> {
  const waiting = lanes[Symbol.iterator](); // shared: each worker takes the next lane
  async function work(): Promise<void> {
    for (const lane of waiting) {
      for (const post of lane) answered(post, await sendOne(post, target));
    }
  }
  await Promise.all(Array.from({ length: LANES_AT_ONCE }, work));
}

async function sendOne({ telling, spoilt }: Post, target: Target): Promise<Answer> {
  const { teller, url } = target;
  const genuine = target.secretFor(telling.type);
  const secret = spoilt === 'SECRET' ? changeLast(genuine) : genuine;
  const body = Buffer.from(telling.body);
  const { subpath, headers } = signDelivery(teller.provider, body, secret, target.signing);

  const response = await post(`${url}/webhooks/${teller.provider}/${subpath}`.replace(/\/$/, ''), {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: spoilt === 'BODY' ? Buffer.from(changeLast(telling.body)) : body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const { status } = response;
  const word = wordOf(await response.text());
  return { status, word, expected: spoilt ? REFUSED.has(status) : status === 200 };
}

async function post(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    const { origin } = new URL(url); // the path may hold a secret
    throw new CliError(`No gateway answers at ${origin}. Is it started?`, { cause: error });
  }
}

/** The smallest of changes, and still fit for a URL or a header. */
function changeLast(text: string): string {
  return text.slice(0, -1) + (text.endsWith('x') ? 'y' : 'x');
}

/** `{ disposition, duplicate }` or `{ error: { code } }`. */
function wordOf(body: string): string {
  const answer = parseJson(body);
  const error = property(answer, 'error');
  const word = property(answer, 'disposition') ?? property(error, 'code');
  if (typeof word !== 'string') return '';
  return property(answer, 'duplicate') === true ? `${word} (repeat)` : word;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
