/**
 * Fractal ID adapter, for both webhook formats. The configuration selects the format, never the body: if the body could select
 * it, a sender could choose the weaker signature.
 *
 * Delivery guarantees: at least once, in any order, retried unless the response is 2xx within 10 s.
 *
 * @see https://docs.developer.fractal.id (Webhooks; Migration to Kraken; as of 2025)
 */

import { hmac } from '../kit/hmac';
import type { ProviderFactory, Signer } from '../provider';
import { type ClassicPayload, createClassicProvider } from './classic';
import { createKrakenProvider, type KrakenApi, type KrakenPayload } from './kraken';

export interface FractalIdOptions {
  /** Format that Fractal ID sends. Webhooks in the other format are rejected. */
  readonly format: 'classic' | 'kraken';
  /** If null, the gateway sends no status checks. Kraken only: the classic API requires the user's own token. */
  readonly api?: KrakenApi | null;
}

/** Creates the adapter. Each notification is about one level or add-on and has no attempt ID. */
export const fractalId: ProviderFactory<FractalIdOptions, ClassicPayload | KrakenPayload> = ({
  format,
  secrets,
  api = null,
}) => (format === 'kraken' ? createKrakenProvider(secrets, api) : createClassicProvider(secrets));

/** Signs like the provider. */
export const signFractalId: Signer = (body, secret, { fractalIdFormat }) => {
  const value =
    fractalIdFormat === 'kraken'
      ? hmac('sha256', secret, body).toString('hex')
      : `sha1=${hmac('sha1', secret, body).toString('hex')}`;
  return { subpath: '', headers: { 'X-Fractal-Signature': value } };
};
