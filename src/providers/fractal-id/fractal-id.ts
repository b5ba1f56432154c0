/**
 * Fractal ID, in both of its formats. Which one is a matter of configuration and never of the body: a receiver set to
 * `kraken` must refuse `sha1=`, or a sender could choose the weaker proof.
 *
 * Classic: `X-Fractal-Signature: sha1=<hex HMAC-SHA-1 of the raw body>`, one secret per notification type if so wished.
 * Kraken:  `X-Fractal-Signature: <hex HMAC-SHA-256 of the raw body>`; no type, no level, no clock. Status call: see `kraken-client`.
 * Delivery: at least once, in no order, tried again unless answered 2xx within 10 s.
 *
 * @see https://docs.developer.fractal.id (Webhooks; Migration to Kraken; as of 2025)
 */

import type { WebhookRequest } from '../../domain/delivery';
import {
  PayloadError,
  SignatureError,
  UnknownTypeError,
  UnmappedStatusError,
} from '../../domain/errors';
import type { Instant } from '../../domain/instant';
import type { LevelKind } from '../../domain/level';
import type { AttemptStatus } from '../../domain/status';
import { fingerprint } from '../kit/fingerprint';
import { assertHmac, hmac } from '../kit/hmac';
import { type JsonBody, orUndefined, readJson } from '../kit/json';
import { lookUp } from '../kit/look-up';
import type { Message, Provider, ProviderFactory, Signer, WebhookSecret } from '../provider';
import { createKrakenClient, type KrakenApi, STATUS_SUBPATH } from './kraken-client';

const HEADER = 'x-fractal-signature';

/** Kraken names neither a level nor a kind of message. */
const KRAKEN_LEVEL = 'kyc';

const STATUS_BY_TYPE = {
  verification_approved: 'APPROVED',
  verification_contacted: 'ACTION_REQUIRED', // the user was asked for more
  verification_rejected: 'REJECTED', // why, is never told
} as const satisfies Record<string, AttemptStatus>;

/** Known types that say nothing about a verification. `authorization_revoked` is of an earlier version of the docs. */
const UNTRACKED_TYPES: ReadonlySet<string> = new Set(['authorization_revoked']);

const STATUS_BY_KRAKEN_WORD = {
  pending: 'IN_PROGRESS',
  approved: 'APPROVED',
  rejected: 'REJECTED',
} as const satisfies Record<string, AttemptStatus>;

/** Checks that stand beside a level; so does whatever begins with `wallet`. A level that we don't know is a LEVEL. */
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

export interface FractalIdOptions {
  /** What the vendor has been set to; nothing of the other format is accepted. */
  readonly format: 'classic' | 'kraken';
  /** `null`: the vendor is not asked. Kraken only: the classic API answers to the user's own token. */
  readonly api?: KrakenApi | null;
}

/** One notification is about one level or add-on. The vendor issues no id of an attempt. */
export const fractalId: ProviderFactory<FractalIdOptions, Notification | Verdict> = ({
  format,
  secrets,
  api = null,
}) => (format === 'kraken' ? kraken(secrets, api) : classic(secrets));

/** Does as the vendor does. */
export const signFractalId: Signer = (body, secret, { fractalIdFormat }) => {
  const value =
    fractalIdFormat === 'kraken'
      ? hmac('sha256', secret, body).toString('hex')
      : `sha1=${hmac('sha1', secret, body).toString('hex')}`;
  return { subpath: '', headers: { 'X-Fractal-Signature': value } };
};

// ── Classic ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Notification =
  | {
      readonly about: 'VERIFICATION';
      readonly type: string;
      readonly status: AttemptStatus;
      readonly userRef: string;
      readonly level: string;
      readonly occurredAt: Instant;
    }
  | {
      readonly about: 'CREDENTIAL';
      readonly holderRef: string;
      readonly credentialRef: string;
      readonly occurredAt: Instant;
    }
  | { readonly about: 'EMAIL'; readonly userRef: string; readonly email: string };

function classic(secrets: readonly WebhookSecret[]): Provider<Notification> {
  return {
    id: 'fractal-id',
    dated: false, // `email_changed` is not

    verify(request) {
      const rule = { hash: 'sha1', header: HEADER, prefix: 'sha1=', secrets } as const;
      assertTypeCovered(request, assertHmac(request, rule));
      return { trust: 'SIGNED', subpath: request.subpath };
    },

    parse({ rawBody }) {
      const body = readJson(rawBody);
      const type = body.word('type');
      const status = lookUp<AttemptStatus>(STATUS_BY_TYPE, type);
      if (status) return readVerification(type, status, body);
      if (type === 'credential_shared') return readCredential(type, body);
      if (type === 'email_changed') return readEmail(type, body);
      if (!UNTRACKED_TYPES.has(type)) throw new UnknownTypeError(type);
      return { eventType: type, duplicateKey: [type, fingerprint(rawBody)], payload: undefined };
    },

    normalize(notification) {
      switch (notification.about) {
        case 'VERIFICATION':
          return [
            {
              type: 'STATUS',
              subjectRef: notification.userRef,
              level: notification.level,
              levelKind: levelKind(notification.level),
              status: notification.status,
              providerStatus: notification.type,
              occurredAt: notification.occurredAt,
            },
          ];
        case 'CREDENTIAL':
          return [
            {
              type: 'CREDENTIAL',
              subjectRef: notification.holderRef, // an idOS id: the message names no user
              credentialRef: notification.credentialRef,
              occurredAt: notification.occurredAt,
            },
          ];
        case 'EMAIL':
          return [
            {
              type: 'PROFILE',
              subjectRef: notification.userRef,
              profile: { email: notification.email },
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
): Message<Notification> {
  const userRef = body.id('data.user_id');
  const level = body.word('data.level');
  const occurredAt = body.instant('data.timestamp');
  return {
    eventType: type,
    duplicateKey: [type, userRef, level, body.string('data.timestamp')],
    payload: { about: 'VERIFICATION', type, status, userRef, level, occurredAt },
  };
}

function readCredential(type: string, body: JsonBody): Message<Notification> {
  const holderRef = body.id('data.idos_human_id');
  const credentialRef = body.id('data.credential_id');
  const occurredAt = body.instant('data.shared_at');
  return {
    eventType: type,
    duplicateKey: [type, credentialRef],
    payload: { about: 'CREDENTIAL', holderRef, credentialRef, occurredAt },
  };
}

function readEmail(type: string, body: JsonBody): Message<Notification> {
  const userRef = body.id('data.user_id');
  const email = body.word('data.email');
  return {
    eventType: type,
    duplicateKey: [type, userRef, fingerprint(userRef, email)],
    payload: { about: 'EMAIL', userRef, email },
  };
}

function levelKind(level: string): LevelKind {
  return ADD_ONS.has(level) || level === 'wallet' || level.startsWith('wallet-')
    ? 'ADD_ON'
    : 'LEVEL';
}

/**
 * A secret that is configured for one type proves that type alone: whoever holds the one for `email_changed` must not
 * be able to say `verification_approved`. The body may be read here, for its signature has been checked already.
 */
function assertTypeCovered(request: WebhookRequest, proofs: readonly WebhookSecret[]): void {
  if (proofs.some((proof) => proof.type === undefined)) return;
  const type = typeOf(request.rawBody);
  if (type === undefined || !proofs.some((proof) => proof.type === type)) {
    const expected = `expected ${HEADER} to be made with the secret of this type`;
    throw new SignatureError('SECRET_TYPE_MISMATCH', expected);
  }
}

function typeOf(rawBody: Buffer): string | undefined {
  return orUndefined(() => readJson(rawBody).word('type'));
}

// ── Kraken ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Verdict {
  readonly userRef: string;
  readonly status: string;
  readonly hasNote: boolean;
}

function kraken(secrets: readonly WebhookSecret[], api: KrakenApi | null): Provider<Verdict> {
  // A message without a type is covered by no secret that is bound to one.
  const untyped = secrets.filter(({ type }) => type === undefined);
  return {
    id: 'fractal-id',
    dated: false,

    verify(request) {
      assertHmac(request, { hash: 'sha256', header: HEADER, secrets: untyped });
      return { trust: 'SIGNED', subpath: request.subpath };
    },

    parse({ rawBody }) {
      const body = readJson(rawBody);
      const userRef = body.id('id');
      const status = body.word('status');
      const note = body.optionalString('note') ?? '';
      return {
        eventType: KRAKEN_LEVEL,
        duplicateKey: [KRAKEN_LEVEL, userRef, status, fingerprint(userRef, note)],
        payload: { userRef, status, hasNote: note.trim() !== '' },
      };
    },

    normalize({ userRef, status: word, hasNote }) {
      const status = lookUp<AttemptStatus>(STATUS_BY_KRAKEN_WORD, word);
      if (!status) throw new UnmappedStatusError('status');
      return [
        {
          type: 'STATUS',
          subjectRef: userRef,
          level: KRAKEN_LEVEL,
          levelKind: 'LEVEL',
          status,
          providerStatus: word,
          // The note is free text and may name the person: that there is one is all that we repeat.
          ...(status === 'REJECTED' &&
            hasNote && { reasons: [{ code: 'OTHER', providerCode: null, message: null }] }),
        },
      ];
    },

    statusCall: {
      ...(api !== null && { fetchStatus: createKrakenClient(api) }),

      parse({ rawBody, subpath }) {
        const body = readJson(rawBody);
        const userRef = subpath.slice(STATUS_SUBPATH.length);
        if ((body.optionalId('userId') ?? userRef) !== userRef) {
          throw new PayloadError('userId', 'the one that was asked about');
        }
        const status = body.word('state');
        return {
          eventType: 'kyc/status',
          duplicateKey: [userRef, status],
          payload: { userRef, status, hasNote: false },
        };
      },
    },
  };
}
