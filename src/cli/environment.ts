/** Reads what the configuration is made of: variables, `.env`, generated secrets, the policy file. */

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { createApiKey } from '../access/api-key';
import { type ConfigSources, type Environment, getDataDir, getMode } from '../config/load-config';
import { secretsVariable } from '../config/webhook-secrets';
import type { ProviderId } from '../domain/level';
import {
  deriveSecrets,
  isSystemError,
  readOrCreateSecrets,
  SECRETS_FILE,
  type SecretShape,
} from './generated-secrets';

/**
 * In development, `dotEnvFile` fills in what `env` leaves unset, and generated secrets what is then still
 * missing. In production there is `env` and nothing else.
 *
 * @param env - The variables of the process.
 * @param dotEnvFile - Path of a file that need not be there.
 * @param providerIds - Whom a webhook secret is generated for.
 */
export function readEnvironment(
  env: Environment,
  dotEnvFile: string,
  providerIds: readonly ProviderId[],
): ConfigSources {
  const faults: string[] = [];
  const named = readVariables(env, dotEnvFile, faults);
  const generated = getMode(named) === 'production' ? {} : generate(named, providerIds, faults);
  const complete = { ...generated, ...named };
  return {
    env: complete,
    policyText: readNamedFile('POLICY_FILE', complete, faults),
    trustedDocumentsText: readNamedFile('TRUSTED_DOCUMENTS_FILE', complete, faults),
    faults,
    generated: Object.keys(generated).filter((name) => !(name in named)),
    origins: {
      ...originsOf(generated, join(getDataDir(named), SECRETS_FILE)),
      ...originsOf(named, resolve(dotEnvFile), env),
    },
  };
}

/** @param process - Variables that were set already, and read from no file. */
function originsOf(
  env: Environment,
  file: string,
  process: Environment = {},
): Readonly<Record<string, string>> {
  const names = Object.keys(env).filter((name) => env[name] !== process[name]);
  return Object.fromEntries(names.map((name) => [name, file]));
}

/** The part that needs no secret, and makes none. @param faults - Where what is wrong is added. */
export function readVariables(env: Environment, dotEnvFile: string, faults: string[]): Environment {
  return getMode(env) === 'production'
    ? env
    : { ...readDotEnv(dotEnvFile, faults), ...withoutBlanks(env) };
}

function readDotEnv(file: string, faults: string[]): Environment {
  try {
    return withoutBlanks(parseEnv(readFileSync(file, 'utf8')));
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return {};
    if (!isSystemError(error, 'EACCES', 'EISDIR', 'ELOOP', 'ENOTDIR')) throw error;
    faults.push(`.env: ${resolve(file)} cannot be read (${error.code})`);
    return {};
  }
}

/** Of a folder or a file in it. */
const UNUSABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENOSPC', 'ELOOP'];

function generate(
  env: Environment,
  providerIds: readonly ProviderId[],
  faults: string[],
): Environment {
  const shapes = shapesOf(providerIds);
  try {
    const { SEED: _, JWT_SECRET, ...generated } = readOrCreateSecrets(getDataDir(env), shapes);
    const ownKeySet = env.JWT_JWKS_URL !== undefined; // tokens come from one source
    return ownKeySet || JWT_SECRET === undefined ? generated : { ...generated, JWT_SECRET };
  } catch (error) {
    if (!isSystemError(error, ...UNUSABLE)) throw error;
    faults.push(`DATA_DIR: ${getDataDir(env)} cannot be made, read or written (${error.code})`);
    return deriveSecrets(randomBytes(32).toString('hex'), shapes); // never used: each that is missing would be a fault too
  }
}

function shapesOf(providerIds: readonly ProviderId[]): Readonly<Record<string, SecretShape>> {
  const webhooks = providerIds.map((id) => [secretsVariable(id), toBase64Url] as const);
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

/** The prefix is public and must tell nothing of the secret beside it. */
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

function withoutBlanks(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
}
