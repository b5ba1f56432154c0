/** Parses and normalizes an authentic request. Never rejects one: content that cannot be parsed is quarantined. */

import { createHash } from 'node:crypto';
import type { QuarantineReason, Reading, WebhookRequest } from '../domain/delivery';
import { GatewayError, PayloadError, UnknownTypeError } from '../domain/errors';
import type { VerificationEvent } from '../domain/event';
import { toInstantText } from '../domain/instant';
import type { Message, Provider, StatusResponse } from '../providers/provider';
import { limitEvent } from './limit-event';

/** @param latest - Latest timestamp that an event may have. An event dated further ahead would override all later ones. */
export function readDelivery(provider: Provider, request: WebhookRequest, latest: Date): Reading {
  const { rawBody } = request;
  return read({
    provider,
    parse: () => provider.parse(request),
    rawBody,
    latest,
    toQuarantineKey: () => ({
      duplicateKey: digest(['quarantined'], rawBody),
      mayRecur: !provider.dated,
    }),
  });
}

/**
 * Parses a status response. The status can be checked again, so invalid responses with the same error are duplicates even if
 * their bytes differ.
 */
export function readResponse(
  provider: Provider,
  response: Pick<StatusResponse, 'subpath' | 'rawBody'>,
  latest: Date,
): Reading {
  return read({
    provider,
    parse() {
      const { statusCall } = provider;
      if (statusCall === undefined) throw new PayloadError('body', READABLE);
      const message = statusCall.parse(response);
      return { ...message, duplicateKey: ['answer', ...message.duplicateKey] };
    },
    rawBody: response.rawBody,
    latest,
    toQuarantineKey: ({ message }) => ({
      duplicateKey: digest(['quarantined answer', response.subpath], message),
    }),
  });
}

type Quarantined = Extract<Reading, { kind: 'QUARANTINED' }>;

interface Source {
  readonly provider: Provider;
  readonly parse: () => Message<unknown>;
  readonly rawBody: Buffer;
  readonly latest: Date;
  /** Returns the key that identifies duplicates if parsing fails. */
  readonly toQuarantineKey: (
    reason: QuarantineReason,
  ) => Pick<Quarantined, 'duplicateKey' | 'mayRecur'>;
}

const READABLE = 'in a format that the adapter can parse';

function read({ provider, parse, rawBody, latest, toQuarantineKey }: Source): Reading {
  let message: Message<unknown> | undefined;
  try {
    message = parse();
    const { eventType, duplicateKey, payload } = message;
    if (payload === undefined) {
      return { kind: 'IGNORED', eventType, duplicateKey: digest(duplicateKey, rawBody) };
    }
    const events = provider.normalize(payload);
    assertNotAhead(events, latest);
    return {
      kind: 'EVENTS',
      eventType,
      // Messages with equal keys but different events are not duplicates.
      duplicateKey: digest(duplicateKey, JSON.stringify(events)),
      events: events.map(limitEvent),
    };
  } catch (error) {
    const reason = toReason(error);
    const unknownType = error instanceof UnknownTypeError ? error.eventType : null;
    const eventType = message?.eventType ?? unknownType;
    return { kind: 'QUARANTINED', eventType, reason, ...toQuarantineKey(reason) };
  }
}

function assertNotAhead(events: readonly VerificationEvent[], latest: Date): void {
  const limit = toInstantText(latest);
  const isAhead = events.some(({ occurredAt }) => occurredAt !== undefined && occurredAt > limit);
  if (!isAhead) return;
  const message = 'The event must not be dated further ahead than CLOCK_SKEW allows.';
  throw new GatewayError('FUTURE_DATED', message);
}

/** A digest gives the key a fixed size and keeps personal data out of it. */
function digest(parts: readonly string[], content: string | Buffer): string {
  const head = JSON.stringify(parts);
  return createHash('sha256').update(head).update('\n').update(content).digest('base64url');
}

function toReason(error: unknown): QuarantineReason {
  if (error instanceof GatewayError) return { code: error.code, message: error.message };
  // The adapter has a bug. The delivery is stored, so that it can be replayed once the adapter is fixed.
  const { code, message } = new PayloadError('body', READABLE);
  return { code, message };
}
