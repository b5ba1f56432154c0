/**
 * Classic format of Fractal ID webhooks.
 *
 * Signature: `X-Fractal-Signature: sha1=<hex HMAC-SHA-1 of the raw body>`. A secret can be bound to one notification type.
 */

import type { WebhookRequest } from '../../domain/delivery';
import { SignatureError, UnknownTypeError } from '../../domain/errors';
import type { Instant } from '../../domain/instant';
import type { LevelKind } from '../../domain/level';
import type { AttemptStatus } from '../../domain/status';
import { assertHmac, fingerprint } from '../kit/hmac';
import { type JsonBody, lookUp, readJson, tryRead } from '../kit/json';
import type { Message, Provider, WebhookSecret } from '../provider';

const HEADER = 'x-fractal-signature';

const STATUS_BY_TYPE = {
  verification_approved: 'APPROVED',
  verification_contacted: 'ACTION_REQUIRED', // the user must provide more data
  verification_rejected: 'REJECTED', // sent without a reason
} as const satisfies Record<string, AttemptStatus>;

/** Known types that do not affect a verification. `authorization_revoked` is from an earlier version of the documentation. */
const UNTRACKED_TYPES: ReadonlySet<string> = new Set(['authorization_revoked']);

/** Checks in addition to a level. Names that start with `wallet` are add-ons too. Unknown levels have kind LEVEL. */
const ADD_ONS: ReadonlySet<string> = new Set([
  'liveness',
  'selfie',
  'sow',
  'ssn',
  'telegram',
  'twitter',
  'uniq',
  'idos',
]);

export type ClassicPayload =
  | {
      readonly kind: 'VERIFICATION';
      readonly type: string;
      readonly status: AttemptStatus;
      readonly userRef: string;
      readonly level: string;
      readonly occurredAt: Instant;
    }
  | {
      readonly kind: 'CREDENTIAL';
      readonly holderRef: string;
      readonly credentialRef: string;
      readonly occurredAt: Instant;
    }
  | { readonly kind: 'EMAIL'; readonly userRef: string; readonly email: string };

export function createClassicProvider(secrets: readonly WebhookSecret[]): Provider<ClassicPayload> {
  return {
    id: 'fractal-id',
    dated: false, // `email_changed` has no timestamp

    verify(request) {
      const rule = { hash: 'sha1', header: HEADER, prefix: 'sha1=', secrets } as const;
      assertTypeAllowed(request, assertHmac(request, rule));
      return { trust: 'SIGNED', subpath: request.subpath };
    },

    parse({ rawBody }) {
      const body = readJson(rawBody);
      const type = body.name('type');
      const status = lookUp<AttemptStatus>(STATUS_BY_TYPE, type);
      if (status) return readVerification(type, status, body);
      if (type === 'credential_shared') return readCredential(type, body);
      if (type === 'email_changed') return readEmail(type, body);
      if (!UNTRACKED_TYPES.has(type)) throw new UnknownTypeError(type);
      return { eventType: type, duplicateKey: [type, fingerprint(rawBody)], payload: undefined };
    },

    normalize(payload) {
      switch (payload.kind) {
        case 'VERIFICATION':
          return [
            {
              type: 'STATUS',
              subjectRef: payload.userRef,
              level: payload.level,
              levelKind: toLevelKind(payload.level),
              status: payload.status,
              providerStatus: payload.type,
              occurredAt: payload.occurredAt,
            },
          ];
        case 'CREDENTIAL':
          return [
            {
              type: 'CREDENTIAL',
              subjectRef: payload.holderRef, // an idOS ID, because the notification has no user ID
              credentialRef: payload.credentialRef,
              occurredAt: payload.occurredAt,
            },
          ];
        case 'EMAIL':
          return [
            {
              type: 'PROFILE',
              subjectRef: payload.userRef,
              profile: { email: payload.email },
            },
          ];
      }
    },
  };
}

function readVerification(
  type: string,
  status: AttemptStatus,
  body: JsonBody,
): Message<ClassicPayload> {
  const userRef = body.id('data.user_id');
  const level = body.name('data.level');
  const occurredAt = body.instant('data.timestamp');
  return {
    eventType: type,
    duplicateKey: [type, userRef, level, body.string('data.timestamp')],
    payload: { kind: 'VERIFICATION', type, status, userRef, level, occurredAt },
  };
}

function readCredential(type: string, body: JsonBody): Message<ClassicPayload> {
  const holderRef = body.id('data.idos_human_id');
  const credentialRef = body.id('data.credential_id');
  const occurredAt = body.instant('data.shared_at');
  return {
    eventType: type,
    duplicateKey: [type, credentialRef],
    payload: { kind: 'CREDENTIAL', holderRef, credentialRef, occurredAt },
  };
}

function readEmail(type: string, body: JsonBody): Message<ClassicPayload> {
  const userRef = body.id('data.user_id');
  const email = body.name('data.email');
  return {
    eventType: type,
    duplicateKey: [type, userRef, fingerprint(userRef, email)],
    payload: { kind: 'EMAIL', userRef, email },
  };
}

function toLevelKind(level: string): LevelKind {
  return ADD_ONS.has(level) || level === 'wallet' || level.startsWith('wallet-')
    ? 'ADD_ON'
    : 'LEVEL';
}

/**
 * Asserts that a matching secret may sign this notification type. A leaked secret for `email_changed` must not be able to sign
 * `verification_approved`. Call it only after the signature is verified, because it parses the body.
 */
function assertTypeAllowed(request: WebhookRequest, matching: readonly WebhookSecret[]): void {
  if (matching.some((secret) => secret.type === undefined)) return;
  const type = tryRead(() => readJson(request.rawBody).name('type'));
  if (type === undefined || !matching.some((secret) => secret.type === type)) {
    throw new SignatureError(
      'SECRET_TYPE_MISMATCH',
      `\`${HEADER}\` must be a signature with the secret of this notification type.`,
    );
  }
}
