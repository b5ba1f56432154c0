/** Generated development secrets: created once and stored in the data folder. */

import { hkdfSync, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Environment } from '../config/load-config';

export const SECRETS_FILE = 'secrets.env';

/** Converts 32 random bytes to a secret. */
export type SecretFormat = (bytes: Buffer) => string;

/**
 * Reads the secrets of `dataDir`. Creates the file if it does not exist. All secrets are derived from a seed in the file, so that
 * processes that start at the same time agree, and a variable that is added later needs no second write. A line of the file
 * overrides the derived value.
 *
 * @param formats - Format of each variable.
 * @returns Values by variable name.
 */
export function readOrCreateSecrets(
  dataDir: string,
  formats: Readonly<Record<string, SecretFormat>>,
): Environment {
  const file = join(dataDir, SECRETS_FILE);
  const { SEED: seed, ...stored } = readFile(file) ?? createFile(file, dataDir, formats);
  const derived = seed === undefined ? {} : deriveSecrets(seed, formats); // without a seed, derived secrets could be guessed
  return { ...derived, ...stored };
}

const SEED_BYTES = 32;

function createFile(
  file: string,
  dataDir: string,
  formats: Readonly<Record<string, SecretFormat>>,
): Environment {
  const seed = randomBytes(SEED_BYTES).toString('base64url');
  const lines = Object.entries({ SEED: seed, ...deriveSecrets(seed, formats) });
  const content = [
    '# Generated for development at the first start. Production requires configured secrets.',
    ...lines.map(([name, value]) => `${name}=${value}`),
    '',
  ].join('\n');

  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  publish(file, content);
  return readFile(file) ?? {};
}

/** Creates the file atomically. If another process created it first, keeps that file. */
function publish(file: string, content: string): void {
  const temporary = `${file}.${randomBytes(8).toString('hex')}`;
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
    linkSync(temporary, file);
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
  } finally {
    closeSync(descriptor);
    rmSync(temporary);
  }
}

function readFile(file: string): Environment | undefined {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Derives secrets from a seed. Deterministic. */
export function deriveSecrets(
  seed: string,
  formats: Readonly<Record<string, SecretFormat>>,
): Readonly<Record<string, string>> {
  const secrets = Object.entries(formats).map(([name, format]) => {
    const bytes = Buffer.from(hkdfSync('sha256', seed, '', name, SEED_BYTES));
    return [name, format(bytes)];
  });
  return Object.fromEntries(secrets);
}

/** Whether `error` is a system error with one of these codes. */
export function isSystemError(
  error: unknown,
  ...codes: readonly string[]
): error is NodeJS.ErrnoException {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && codes.includes(error.code);
}
