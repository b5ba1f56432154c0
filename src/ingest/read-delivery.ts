/** Reads an authentic request: what it says in our words, or why it says nothing. Never refuses. */

import { createHash } from 'node:crypto';
import { GatewayError, PayloadError } from '../domain/errors';
import type { VerificationEvent } from '../domain/event';
import { instantOf } from '../domain/instant';
import type { WebhookRequest } from '../domain/request';
import type { Message, Provider, StatusAnswer } from '../providers/provider';
import type { QuarantineReason, Reading } from '../store/store';

/** An event dated further ahead than this would outlast all that comes after it. */
const FUTURE_TOLERANCE_MS = 24 * 60 * 60_000;

/** @param now - What "ahead" is measured from. */
export function readDelivery(provider: Provider, request: WebhookRequest, now: Date): Reading {
  return read(
    provider,
    () => provider.parse(request),
    request.rawBody,
    now,
    (reason) => ({
      kind: 'QUARANTINED',
      eventType: null,
      duplicateKey: digest(['quarantined'], request.rawBody),
      mayRecur: !provider.dated,
      reason,
    }),
  );
}

/**
 * The same for what a vendor answered when it was asked. It can be asked again, so an answer that cannot be read is one and the
 * same as long as it is so for the same reason, though its bytes may differ.
 */
export function readAnswer(
  provider: Provider,
  answer: Pick<StatusAnswer, 'subpath' | 'rawBody'>,
  now: Date,
): Reading {
  const parse = () => {
    const { statusCall } = provider;
    if (statusCall === undefined) throw new PayloadError('body', 'readable by its adapter');
    const message = statusCall.parse(answer);
    return { ...message, duplicateKey: ['answer', ...message.duplicateKey] };
  };
  return read(provider, parse, answer.rawBody, now, (reason) => ({
    kind: 'QUARANTINED',
    eventType: null,
    duplicateKey: digest(['quarantined answer', answer.subpath], reason.message),
    reason,
  }));
}

function read(
  provider: Provider,
  parse: () => Message<unknown>,
  rawBody: Buffer,
  now: Date,
  quarantined: (reason: QuarantineReason) => Extract<Reading, { kind: 'QUARANTINED' }>,
): Reading {
  let message: Message<unknown> | undefined;
  try {
    message = parse();
    const { eventType, duplicateKey, payload } = message;
    if (payload === undefined) {
      return { kind: 'IGNORED', eventType, duplicateKey: digest(duplicateKey, rawBody) };
    }
    const events = provider.normalize(payload);
    const ahead = events.findIndex((event) => isAhead(event, now));
    if (ahead !== -1) throw new GatewayError('FUTURE_DATED', FUTURE_DATED);
    // Two messages that the vendor's own key does not tell apart but that say different things are two.
    return {
      kind: 'EVENTS',
      eventType,
      duplicateKey: digest(duplicateKey, JSON.stringify(events)),
      events,
    };
  } catch (error) {
    return { ...quarantined(toReason(error)), eventType: message?.eventType ?? null };
  }
}

const FUTURE_DATED = 'expected the event to be dated at most 24 hours ahead';

function isAhead({ occurredAt }: VerificationEvent, now: Date): boolean {
  const limit = instantOf(new Date(now.getTime() + FUTURE_TOLERANCE_MS));
  return occurredAt !== undefined && occurredAt > limit;
}

/** A digest, so that the key has a fixed size and holds nothing of what was said. */
function digest(parts: readonly string[], content: string | Buffer): string {
  const head = JSON.stringify(parts);
  return createHash('sha256').update(head).update('\n').update(content).digest('base64url');
}

function toReason(error: unknown): QuarantineReason {
  if (error instanceof GatewayError) return { code: error.code, message: error.message };
  // An adapter of ours broke on it. Kept, so that it can be replayed once the adapter is mended.
  const { code, message } = new PayloadError('body', 'readable by its adapter');
  return { code, message };
}
