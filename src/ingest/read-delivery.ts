/** Reads an authentic request: what it says in our words, or why it says nothing. Never refuses. */

import { createHash } from 'node:crypto';
import type { QuarantineReason, Reading, WebhookRequest } from '../domain/delivery';
import { GatewayError, PayloadError, UnknownTypeError } from '../domain/errors';
import type { VerificationEvent } from '../domain/event';
import { toInstantText } from '../domain/instant';
import type { Message, Provider, StatusResponse } from '../providers/provider';
import { limitEvent } from './limit-event';

/** @param latest - Latest date that an event may have. An event dated further ahead would outlast every later one. */
export function readDelivery(provider: Provider, request: WebhookRequest, latest: Date): Reading {
  const { rawBody } = request;
  return read(
    provider,
    () => provider.parse(request),
    rawBody,
    latest,
    () => ({ duplicateKey: digest(['quarantined'], rawBody), mayRecur: !provider.dated }),
  );
}

/**
 * The same for what a vendor answered when it was asked. It can be asked again, so an answer that cannot be read is one and the
 * same as long as it is so for the same reason, though its bytes may differ.
 */
export function readAnswer(
  provider: Provider,
  answer: Pick<StatusResponse, 'subpath' | 'rawBody'>,
  latest: Date,
): Reading {
  const parse = () => {
    const { statusCall } = provider;
    if (statusCall === undefined) throw new PayloadError('body', 'readable by its adapter');
    const message = statusCall.parse(answer);
    return { ...message, duplicateKey: ['answer', ...message.duplicateKey] };
  };
  return read(provider, parse, answer.rawBody, latest, ({ message }) => ({
    duplicateKey: digest(['quarantined answer', answer.subpath], message),
  }));
}

type Quarantined = Extract<Reading, { kind: 'QUARANTINED' }>;

/** @param samenessOf - What tells repeats of what cannot be read. */
function read(
  provider: Provider,
  parse: () => Message<unknown>,
  rawBody: Buffer,
  latest: Date,
  samenessOf: (reason: QuarantineReason) => Pick<Quarantined, 'duplicateKey' | 'mayRecur'>,
): Reading {
  let message: Message<unknown> | undefined;
  try {
    message = parse();
    const { eventType, duplicateKey, payload } = message;
    if (payload === undefined) {
      return { kind: 'IGNORED', eventType, duplicateKey: digest(duplicateKey, rawBody) };
    }
    const events = provider.normalize(payload);
    if (areAhead(events, latest)) {
      throw new GatewayError(
        'FUTURE_DATED',
        'expected the event to be dated no further ahead of the gateway than CLOCK_SKEW',
      );
    }
    // Two messages that the vendor's own key does not tell apart but that say different things are two.
    return {
      kind: 'EVENTS',
      eventType,
      duplicateKey: digest(duplicateKey, JSON.stringify(events)),
      events: events.map(limitEvent),
    };
  } catch (error) {
    const reason = toReason(error);
    const unknownType = error instanceof UnknownTypeError ? error.eventType : null;
    const eventType = message?.eventType ?? unknownType;
    return { kind: 'QUARANTINED', eventType, reason, ...samenessOf(reason) };
  }
}

function areAhead(events: readonly VerificationEvent[], latest: Date): boolean {
  const limit = toInstantText(latest);
  return events.some(({ occurredAt }) => occurredAt !== undefined && occurredAt > limit);
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
