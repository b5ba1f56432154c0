/** List of all providers. To add a provider, add its entry here. */

import { UnknownProviderError } from '../domain/errors';
import type { ProviderId } from '../domain/level';
import { fractalId, signFractalId } from './fractal-id/fractal-id';
import type { KrakenApi } from './fractal-id/kraken';
import type { HmacHash } from './kit/hmac';
import { type P100Api, p100, signP100 } from './p100';
import { type PaycaddyApi, paycaddy, signPaycaddy } from './paycaddy';
import type { Provider, SignedRequest, Signer, SignOptions, WebhookSecret } from './provider';
import type { SumsubApi } from './sumsub/client';
import { signSumsub, sumsub } from './sumsub/sumsub';

/** API credentials by provider. A provider without an entry gets no status checks. */
export interface ProviderApis {
  readonly 'fractal-id'?: KrakenApi;
  readonly sumsub?: SumsubApi;
  readonly paycaddy?: PaycaddyApi;
  readonly p100?: P100Api;
}

/** Configuration of the adapters. */
export interface ProviderSettings {
  /** Secrets by provider. All secrets of a provider are valid at once. */
  readonly webhookSecrets: Readonly<Record<ProviderId, readonly WebhookSecret[]>>;
  readonly fractalIdFormat: 'classic' | 'kraken';
  readonly sumsubMinimumDigest: HmacHash;
  /** Whether erasing an applicant at Sumsub also erases the identity here. */
  readonly sumsubErasures?: boolean;
  readonly providerApis?: ProviderApis;
}

/** A provider and its names in the gateway. */
export interface RegisteredProvider {
  readonly id: ProviderId;
  /** Value of the GraphQL enum `Provider`. */
  readonly enumName: string;
  /** Name shown to people. */
  readonly displayName: string;
  /** Environment variable that enables its status checks. */
  readonly credentialsVariable: string;
  readonly sign: Signer;
  create(settings: ProviderSettings, secrets: readonly WebhookSecret[]): Provider;
}

/** All providers, in display order. */
export const PROVIDERS: readonly RegisteredProvider[] = [
  {
    id: 'fractal-id',
    enumName: 'FRACTAL_ID',
    displayName: 'Fractal ID',
    credentialsVariable: 'FRACTAL_ID_PRIVATE_KEY',
    sign: signFractalId,
    create: ({ fractalIdFormat, providerApis }, secrets) =>
      fractalId({
        secrets,
        format: fractalIdFormat,
        api: providerApis?.['fractal-id'] ?? null,
      }),
  },
  {
    id: 'sumsub',
    enumName: 'SUMSUB',
    displayName: 'Sumsub',
    credentialsVariable: 'SUMSUB_APP_TOKEN',
    sign: signSumsub,
    create: ({ sumsubMinimumDigest, sumsubErasures, providerApis }, secrets) =>
      sumsub({
        secrets,
        minimumDigest: sumsubMinimumDigest,
        api: providerApis?.sumsub ?? null,
        erases: sumsubErasures ?? false,
      }),
  },
  {
    id: 'paycaddy',
    enumName: 'PAYCADDY',
    displayName: 'PayCaddy',
    credentialsVariable: 'PAYCADDY_API_KEY',
    sign: signPaycaddy,
    create: ({ providerApis }, secrets) =>
      paycaddy({ secrets, api: providerApis?.paycaddy ?? null }),
  },
  {
    id: 'p100',
    enumName: 'P100',
    displayName: 'P100',
    credentialsVariable: 'P100_API_KEY',
    sign: signP100,
    create: ({ providerApis }, secrets) => p100({ secrets, api: providerApis?.p100 ?? null }),
  },
];

/** Slugs as used in webhook URLs. */
export const PROVIDER_IDS: readonly ProviderId[] = PROVIDERS.map(({ id }) => id);

/** Creates the adapters of all providers that have a secret. Without a secret, a provider has no webhook route. */
export function createProviders(settings: ProviderSettings): ReadonlyMap<ProviderId, Provider> {
  return new Map(
    PROVIDERS.flatMap((registered) => {
      const configured = settings.webhookSecrets[registered.id] ?? [];
      const secrets = configured.filter(({ secret }) => secret !== '');
      return secrets.length === 0
        ? []
        : [[registered.id, registered.create(settings, secrets)] as const];
    }),
  );
}

/**
 * Signs a simulated webhook like its provider.
 *
 * @param options - Formats that the gateway is configured for. Defaults to those of the provider.
 * @throws {UnknownProviderError} If the provider does not exist.
 */
export function signDelivery(
  providerId: ProviderId,
  body: Buffer,
  secret: string,
  options: SignOptions = {},
): SignedRequest {
  const provider = PROVIDERS.find(({ id }) => id === providerId);
  if (!provider) throw new UnknownProviderError();
  return provider.sign(body, secret, options);
}
