/** `WEBHOOK_SECRETS_<PROVIDER>`: what each vendor proves itself with. */

import type { ProviderId } from '../domain/level';
import type { WebhookSecret } from '../providers/provider';
import { type EnvironmentReader, rejectUnknownProviders, variableOf } from './environment';

const NAME = 'WEBHOOK_SECRETS';

/** Notification types that have a secret of their own, by provider. */
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

/** In production. A secret that is shown as it is, and stands in access logs of proxies, has to be the longest. */
const MIN_LENGTH = 16;
const MIN_LENGTHS: Readonly<Record<ProviderId, number>> = { paycaddy: 32 };

/** What a secret has to be made of, where it becomes part of a URL. */
const IN_PATH: ReadonlySet<ProviderId> = new Set(['paycaddy']);

/** `fractal-id` → `WEBHOOK_SECRETS_FRACTAL_ID`. */
export function secretsVariable(provider: ProviderId): string {
  return variableOf(NAME, provider);
}

/** @returns secrets by provider, in the order of configuration; a provider without one has no entry. */
export function readWebhookSecrets(
  reader: EnvironmentReader,
  names: readonly string[],
  providerIds: readonly ProviderId[],
  mode: 'development' | 'production',
): Readonly<Record<ProviderId, readonly WebhookSecret[]>> {
  rejectUnknownProviders(reader, NAME, names, providerIds); // a misspelt one leaves a provider unserved
  const entries = providerIds.flatMap((provider) => {
    const secrets = readSecrets(reader, provider, mode);
    return secrets.length > 0 ? [[provider, secrets] as const] : [];
  });
  if (mode === 'production' && entries.length === 0) {
    reader.fault(`${NAME}_<PROVIDER>`, 'secrets of at least one provider');
  }
  return Object.fromEntries(entries);
}

function readSecrets(
  reader: EnvironmentReader,
  provider: ProviderId,
  mode: 'development' | 'production',
): readonly WebhookSecret[] {
  const name = secretsVariable(provider);
  const secrets = reader.list(name).map((part) => readSecret(part, provider));
  if (reader.text(name) !== undefined && secrets.length === 0) reader.fault(name, 'a secret');

  const types = TYPES[provider] ?? [];
  const minLength = mode === 'production' ? (MIN_LENGTHS[provider] ?? MIN_LENGTH) : 1;
  secrets.forEach(({ secret, type }, index) => {
    const which = secrets.length > 1 ? `secret ${index + 1} ` : 'the secret ';
    if (secret.length < minLength) {
      reader.fault(name, `${which}to have at least ${minLength} characters`);
    }
    if (IN_PATH.has(provider) && !/^[\w.~-]+$/.test(secret)) {
      reader.fault(name, `${which}to hold only letters, digits, - . _ ~: it is part of a URL`);
    }
    if (type !== undefined && !types.includes(type)) {
      reader.fault(name, `${which}to have one of the types ${types.join(', ')} before \`=\``);
    }
  });
  return secrets;
}

/**
 * A secret may hold `=` itself, at its end if it is base64. So only words in snake case with something behind the `=`
 * are taken for types, and only where types exist; a word that is no type we know is a fault, not a secret.
 */
function readSecret(part: string, provider: ProviderId): WebhookSecret {
  const [, type, secret] = /^([a-z]+(?:_[a-z]+)+)=([^=].*)$/s.exec(part) ?? [];
  const typed = TYPES[provider] !== undefined && type !== undefined && secret !== undefined;
  return typed ? { secret, type } : { secret: part };
}
