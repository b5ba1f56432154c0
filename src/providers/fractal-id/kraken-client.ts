/**
 * Asks Kraken, Fractal ID's successor, for the state of a user.
 *
 * Proof: a bearer JWT signed with ES512 by our own P-521 key, whose public half the vendor has; valid for 600 s at most. The body
 * of the answer is not documented. It is read as that of the vendor's call by one-time token, `{userId, state}`, and quarantined
 * otherwise.
 *
 * @see https://docs.developer.fractal.id (Migration to Kraken; as of 2025)
 */

import { importPKCS8, SignJWT } from 'jose';
import { requestApi } from '../kit/api';
import type { FetchStatus } from '../provider';

export interface KrakenApi {
  readonly clientId: string;
  /** PKCS #8, PEM; of the curve P-521. */
  readonly privateKey: string;
  /** `https://kraken.fractal.id` */
  readonly origin: string;
}

export const STATUS_SUBPATH = 'public/kyc/';

const TOKEN_LIFE_S = 60;

export function createKrakenClient({ clientId, privateKey, origin }: KrakenApi): FetchStatus {
  return async ({ subjectRef }, { now, signal }) => {
    const issuedAt = Math.floor(now.getTime() / 1000);
    const token = await new SignJWT({ api: true, clientId })
      .setProtectedHeader({ alg: 'ES512', typ: 'JWT' })
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + TOKEN_LIFE_S)
      .sign(await importPKCS8(privateKey, 'ES512'));
    const path = `/public/kyc/${encodeURIComponent(subjectRef)}/status`;
    const headers = { authorization: `Bearer ${token}` };
    const rawBody = await requestApi({ origin, path, headers, signal });
    return rawBody && { subpath: STATUS_SUBPATH + subjectRef, rawBody };
  };
}
