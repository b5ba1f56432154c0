/** Sources of the configuration: variables, `.env`, generated secrets, the policy file. */

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { createApiKey } from '../access/api-key';
import { type ConfigSources, type Environment, getDataDir, getMode } from '../config/load-config';
import { toSecretsVariable } from '../config/webhook-secrets';
import type { ProviderId } from '../domain/level';
import {
  deriveSecrets,
  isSystemError,
  readOrCreateSecrets,
  SECRETS_FILE,
  type SecretFormat,
} from './generated-secrets';

/**
 * Reads the sources of the configuration. In development, variables come from `env`, then `dotEnvFile`, then generated secrets.
 * In production, they come only from `env`.
 *
 * @param env - Variables of the process.
 * @param dotEnvFile - Path of an optional file.
 * @param providerIds - Providers to generate a webhook secret for.
 */
export function readEnvironment(
  env: Environment,
  dotEnvFile: string,
  providerIds: readonly ProviderId[],
): ConfigSources {
  const faults: string[] = [];
  const named = readVariables(env, dotEnvFile, faults);
  const generated =
    getMode(named) === 'production' ? {} : generateSecrets(named, providerIds, faults);
  const complete = { ...generated, ...named };
  return {
    env: complete,
    policyText: readNamedFile('POLICY_FILE', complete, faults),
    trustedDocumentsText: readNamedFile('TRUSTED_DOCUMENTS_FILE', complete, faults),
    faults,
    generated: Object.keys(generated).filter((name) => !(name in named)),
    origins: {
      ...mapToFile(generated, join(getDataDir(named), SECRETS_FILE)),
      ...mapToFile(named, resolve(dotEnvFile), env),
    },
  };
}

/** Maps each variable to `file`, except those that have the same value in `process`. */
function mapToFile(
  env: Environment,
  file: string,
  process: Environment = {},
): Readonly<Record<string, string>> {
  const names = Object.keys(env).filter((name) => env[name] !== process[name]);
  return Object.fromEntries(names.map((name) => [name, file]));
}

/** Reads the variables without generating secrets. Adds faults to `faults`. */
export function readVariables(env: Environment, dotEnvFile: string, faults: string[]): Environment {
  return getMode(env) === 'production'
    ? env
    : { ...readDotEnv(dotEnvFile, faults), ...omitBlank(env) };
}

function readDotEnv(file: string, faults: string[]): Environment {
  try {
    return omitBlank(parseEnv(readFileSync(file, 'utf8')));
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return {};
    if (!isSystemError(error, 'EACCES', 'EISDIR', 'ELOOP', 'ENOTDIR')) throw error;
    faults.push(`.env: ${resolve(file)} cannot be read (${error.code})`);
    return {};
  }
}

/** Error codes of an unusable folder, or of a file in it. */
const UNUSABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENOSPC', 'ELOOP'];

function generateSecrets(
  env: Environment,
  providerIds: readonly ProviderId[],
  faults: string[],
): Environment {
  const formats = createFormats(providerIds);
  try {
    const { SEED: _, JWT_SECRET, ...generated } = readOrCreateSecrets(getDataDir(env), formats);
    const hasKeySet = env.JWT_JWKS_URL !== undefined; // tokens have one source
    return hasKeySet || JWT_SECRET === undefined ? generated : { ...generated, JWT_SECRET };
  } catch (error) {
    if (!isSystemError(error, ...UNUSABLE)) throw error;
    faults.push(
      `DATA_DIR: ${getDataDir(env)} cannot be created, read or written (${error.code}). Check its permissions.`,
    );
    return deriveSecrets(randomBytes(32).toString('hex'), formats); // never used; avoids a fault for each missing secret
  }
}

function createFormats(providerIds: readonly ProviderId[]): Readonly<Record<string, SecretFormat>> {
  const webhooks = providerIds.map((id) => [toSecretsVariable(id), toBase64Url] as const);
  return {
    BOOTSTRAP_API_KEY: toApiKey,
    JWT_SECRET: toBase64Url,
    DATA_KEYS: (bytes) => `dev:${bytes.toString('base64')}`,
    ...Object.fromEntries(webhooks),
  };
}

function toBase64Url(bytes: Buffer): string {
  return bytes.toString('base64url');
}

/** Derives the public prefix from a digest, so that it reveals nothing about the secret. */
function toApiKey(bytes: Buffer): string {
  return createApiKey(createHash('sha256').update(bytes).digest().subarray(0, 5), bytes).key;
}

function readNamedFile(variable: string, env: Environment, faults: string[]): string | null {
  const file = env[variable]?.trim();
  if (file === undefined || file === '') return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'ELOOP')) throw error;
    faults.push(`${variable}: ${resolve(file)} cannot be read (${error.code})`);
    return null;
  }
}

function omitBlank(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
}
