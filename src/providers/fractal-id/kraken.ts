/**
 * Kraken format of Fractal ID webhooks, and the Kraken API.
 *
 * Signature: `X-Fractal-Signature: <hex HMAC-SHA-256 of the raw body>`. Notifications have no type, level or timestamp.
 *
 * Status check: `GET /public/kyc/{userId}/status` with a bearer JWT, signed with ES512 by the operator's P-521 key and valid for at
 * most 600 s. The response is undocumented. It is parsed like the response to the call with a one-time token, `{userId, state}`,
 * and quarantined otherwise.
 */

import { importPKCS8, SignJWT } from 'jose';
import { PayloadError, UnmappedStatusError } from '../../domain/errors';
import type { AttemptStatus } from '../../domain/status';
import { assertHmac, fingerprint } from '../kit/hmac';
import { requestApi } from '../kit/http-client';
import { lookUp, readJson } from '../kit/json';
import type { FetchStatus, Provider, WebhookSecret } from '../provider';

const HEADER = 'x-fractal-signature';
const LEVEL = 'kyc';

const ATTEMPT_STATUS = {
  pending: 'IN_PROGRESS',
  approved: 'APPROVED',
  rejected: 'REJECTED',
} as const satisfies Record<string, AttemptStatus>;

export interface KrakenPayload {
  readonly userRef: string;
  readonly status: string;
  readonly hasNote: boolean;
}

export interface KrakenApi {
  readonly clientId: string;
  /** PKCS #8 private key on curve P-521, in PEM. */
  readonly privateKey: string;
  /** For example `https://kraken.fractal.id`. */
  readonly origin: string;
}

export function createKrakenProvider(
  secrets: readonly WebhookSecret[],
  api: KrakenApi | null,
): Provider<KrakenPayload> {
  // Notifications have no type, so secrets that are bound to a type never match.
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
      const status = body.name('status');
      const note = body.optionalString('note') ?? '';
      return {
        eventType: LEVEL,
        duplicateKey: [LEVEL, userRef, status, fingerprint(userRef, note)],
        payload: { userRef, status, hasNote: note.trim() !== '' },
      };
    },

    normalize({ userRef, status: providerStatus, hasNote }) {
      const status = lookUp<AttemptStatus>(ATTEMPT_STATUS, providerStatus);
      if (!status) throw new UnmappedStatusError('status');
      return [
        {
          type: 'STATUS',
          subjectRef: userRef,
          level: LEVEL,
          levelKind: 'LEVEL',
          status,
          providerStatus,
          // The note is free text and may name the person. Only its presence is kept.
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
          throw new PayloadError('userId', 'the ID of the requested user');
        }
        const status = body.name('state');
        return {
          eventType: 'kyc/status',
          duplicateKey: [userRef, status],
          payload: { userRef, status, hasNote: false },
        };
      },
    },
  };
}

// ── API ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const STATUS_SUBPATH = 'public/kyc/';
const TOKEN_LIFETIME_S = 60;

function createKrakenClient({ clientId, privateKey, origin }: KrakenApi): FetchStatus {
  return async ({ subjectRef }, { now, signal }) => {
    const issuedAt = Math.floor(now.getTime() / 1000);
    const token = await new SignJWT({ api: true, clientId })
      .setProtectedHeader({ alg: 'ES512', typ: 'JWT' })
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + TOKEN_LIFETIME_S)
      .sign(await importPKCS8(privateKey, 'ES512'));
    const path = `/public/kyc/${encodeURIComponent(subjectRef)}/status`;
    const headers = { authorization: `Bearer ${token}` };
    const rawBody = await requestApi({ origin, path, headers, signal });
    return rawBody && { subpath: STATUS_SUBPATH + subjectRef, rawBody };
  };
}
