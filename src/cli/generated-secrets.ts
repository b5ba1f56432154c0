/** What a developer would otherwise have to invent: made once, kept in the data folder, the same ever after. */

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

/** Makes a secret out of 32 bytes that nobody can guess. */
export type SecretShape = (bytes: Buffer) => string;

/**
 * Reads the secrets of `dataDir`, making the file first if there is none. Every secret follows from the seed in the file:
 * processes that start at the same time agree, and a name that came up after the file was written needs no second write.
 * A line of the file stands above what the seed would give.
 *
 * @param shapes - What each variable looks like.
 * @returns values by variable name.
 */
export function readOrCreateSecrets(
  dataDir: string,
  shapes: Readonly<Record<string, SecretShape>>,
): Environment {
  const file = join(dataDir, SECRETS_FILE);
  const { SEED: seed, ...kept } = read(file) ?? create(file, dataDir, shapes);
  const derived = seed === undefined ? {} : deriveSecrets(seed, shapes); // no seed, no guessable secrets
  return { ...derived, ...kept };
}

const SEED_BYTES = 32;

function create(
  file: string,
  dataDir: string,
  shapes: Readonly<Record<string, SecretShape>>,
): Environment {
  const seed = randomBytes(SEED_BYTES).toString('base64url');
  const lines = Object.entries({ SEED: seed, ...deriveSecrets(seed, shapes) });
  const content = [
    '# Made for development at the first start. Not for production: there every secret is configured.',
    ...lines.map(([name, value]) => `${name}=${value}`),
    '',
  ].join('\n');

  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  publish(file, content);
  return read(file) ?? {};
}

/** The file appears whole or not at all; if another process was first, its file stays. */
function publish(file: string, content: string): void {
  const draft = `${file}.${randomBytes(8).toString('hex')}`;
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
    linkSync(draft, file);
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
  } finally {
    closeSync(descriptor);
    rmSync(draft);
  }
}

function read(file: string): Environment | undefined {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The same seed gives the same secrets. */
export function deriveSecrets(
  seed: string,
  shapes: Readonly<Record<string, SecretShape>>,
): Readonly<Record<string, string>> {
  const secrets = Object.entries(shapes).map(([name, shape]) => {
    const bytes = Buffer.from(hkdfSync('sha256', seed, '', name, SEED_BYTES));
    return [name, shape(bytes)];
  });
  return Object.fromEntries(secrets);
}

/** Whether the operating system refused, and with one of these codes. */
export function isSystemError(
  error: unknown,
  ...codes: readonly string[]
): error is NodeJS.ErrnoException {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && codes.includes(error.code);
}
