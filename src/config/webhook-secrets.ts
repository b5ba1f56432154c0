/** `WEBHOOK_SECRETS_<PROVIDER>`: the secrets that authenticate the webhooks of each provider. */

import type { ProviderId } from '../domain/level';
import type { WebhookSecret } from '../providers/provider';
import { type EnvironmentReader, rejectUnknownProviders, toVariable } from './environment';

const NAME = 'WEBHOOK_SECRETS';

/** Notification types that a secret can be bound to, by provider. */
const TYPES: Readonly<Record<ProviderId, readonly string[]>> = {
  'fractal-id': [
    'verification_approved',
    'verification_contacted',
    'verification_rejected',
    'credential_shared',
    'email_changed',
    'authorization_revoked',
  ],
};

/** Minimum secret length in production. PayCaddy's secret is sent in the URL and appears in access logs of proxies. */
const MIN_LENGTH = 16;
const MIN_LENGTHS: Readonly<Record<ProviderId, number>> = { paycaddy: 32 };

/** Providers whose secret is part of a URL. */
const IN_PATH: ReadonlySet<ProviderId> = new Set(['paycaddy']);

/** Converts `fractal-id` to `WEBHOOK_SECRETS_FRACTAL_ID`. */
export function toSecretsVariable(provider: ProviderId): string {
  return toVariable(NAME, provider);
}

/** @returns Secrets by provider, in configuration order. A provider without secrets has no entry. */
export function readWebhookSecrets(
  reader: EnvironmentReader,
  names: readonly string[],
  providerIds: readonly ProviderId[],
  mode: 'development' | 'production',
): Readonly<Record<ProviderId, readonly WebhookSecret[]>> {
  rejectUnknownProviders(reader, NAME, names, providerIds); // a misspelled name would disable a provider
  const entries = providerIds.flatMap((provider) => {
    const secrets = readSecrets(reader, provider, mode);
    return secrets.length > 0 ? [[provider, secrets] as const] : [];
  });
  if (mode === 'production' && entries.length === 0) {
    reader.fault(`${NAME}_<PROVIDER>`, 'set for at least one provider');
  }
  return Object.fromEntries(entries);
}

function readSecrets(
  reader: EnvironmentReader,
  provider: ProviderId,
  mode: 'development' | 'production',
): readonly WebhookSecret[] {
  const name = toSecretsVariable(provider);
  const secrets = reader.list(name).map((part) => readSecret(part, provider));
  if (reader.text(name) !== undefined && secrets.length === 0) {
    reader.fault(name, 'a comma-separated list of secrets');
  }

  const types = TYPES[provider] ?? [];
  const minLength = mode === 'production' ? (MIN_LENGTHS[provider] ?? MIN_LENGTH) : 1;
  secrets.forEach(({ secret, type }, index) => {
    const subject = secrets.length > 1 ? `secret ${index + 1}` : 'the secret';
    if (secret.length < minLength) {
      reader.report(name, `${subject} must have at least ${minLength} characters`);
    }
    if (IN_PATH.has(provider) && !/^[\w.~-]+$/.test(secret)) {
      reader.report(
        name,
        `${subject} must contain only letters, digits and - . _ ~, because it is part of a URL`,
      );
    }
    if (type !== undefined && !types.includes(type)) {
      reader.report(
        name,
        `${subject} must have one of these types before \`=\`: ${types.join(', ')}`,
      );
    }
  });
  return secrets;
}

/**
 * Splits `type=secret`. A secret can contain `=` itself, for example as base64 padding. Therefore only a snake case word
 * that is followed by `=` and more text is a type, and only for providers with types. An unknown type is a fault.
 */
function readSecret(part: string, provider: ProviderId): WebhookSecret {
  const [, type, secret] = /^([a-z]+(?:_[a-z]+)+)=([^=].*)$/s.exec(part) ?? [];
  const isTyped = TYPES[provider] !== undefined && type !== undefined && secret !== undefined;
  return isTyped ? { secret, type } : { secret: part };
}
