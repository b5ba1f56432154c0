/** The list of vendors: the one existing source file to touch when adding one. */

import type { ProviderId } from '../domain/level';
import { fractalId, signFractalId } from './fractal-id/fractal-id';
import type { KrakenApi } from './fractal-id/kraken-client';
import type { HmacHash } from './kit/hmac';
import { type P100Api, p100, signP100 } from './p100';
import { type PaycaddyApi, paycaddy, signPaycaddy } from './paycaddy';
import type { Provider, Signer, WebhookSecret } from './provider';
import type { SumsubApi } from './sumsub/client';
import { signSumsub, sumsub } from './sumsub/sumsub';

/** API credentials by provider. A provider without an entry gets no status checks. */
export interface ProviderApis {
  readonly 'fractal-id'?: KrakenApi;
  readonly sumsub?: SumsubApi;
  readonly paycaddy?: PaycaddyApi;
  readonly p100?: P100Api;
}

/** What the adapters need of the configuration. */
export interface ProviderSettings {
  /** By provider; each entry's secrets are valid at once. */
  readonly webhookSecrets: Readonly<Record<ProviderId, readonly WebhookSecret[]>>;
  readonly fractalIdFormat: 'classic' | 'kraken';
  readonly sumsubMinimumDigest: HmacHash;
  /** Whether whom Sumsub erases is to be erased here too. */
  readonly sumsubErasures?: boolean;
  /** How the vendors' APIs are reached; one that is absent is not asked. */
  readonly providerApis?: ProviderApis;
}

/** One vendor, under the names that it goes by in the gateway. */
export interface RegisteredProvider {
  readonly id: ProviderId;
  /** Its value of the GraphQL enum `Provider`. */
  readonly enumName: string;
  /** The vendor's name, for people. */
  readonly displayName: string;
  /** The environment variable that holds its secrets. */
  readonly secretsVariable: string;
  readonly sign: Signer;
  create(settings: ProviderSettings, secrets: readonly WebhookSecret[]): Provider;
}

/** In the order in which they are shown. */
export const PROVIDERS: readonly RegisteredProvider[] = [
  {
    id: 'fractal-id',
    enumName: 'FRACTAL_ID',
    displayName: 'Fractal ID',
    secretsVariable: 'WEBHOOK_SECRETS_FRACTAL_ID',
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
    secretsVariable: 'WEBHOOK_SECRETS_SUMSUB',
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
    secretsVariable: 'WEBHOOK_SECRETS_PAYCADDY',
    sign: signPaycaddy,
    create: ({ providerApis }, secrets) =>
      paycaddy({ secrets, api: providerApis?.paycaddy ?? null }),
  },
  {
    id: 'p100',
    enumName: 'P100',
    displayName: 'P100',
    secretsVariable: 'WEBHOOK_SECRETS_P100',
    sign: signP100,
    create: ({ providerApis }, secrets) => p100({ secrets, api: providerApis?.p100 ?? null }),
  },
];

/** As in webhook URLs. */
export const PROVIDER_IDS: readonly ProviderId[] = PROVIDERS.map(({ id }) => id);

/** The adapters of all vendors that have a secret. Without one nothing could be proven, so the vendor is not served. */
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
