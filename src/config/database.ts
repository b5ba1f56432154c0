/** `DATA_DIR` and `DATABASE_URL`: where the data is. */

import { join, resolve } from 'node:path';
import type { EnvironmentReader } from './environment';

const DEFAULT_DATA_DIR = './data';
const DEFAULT_FILE = 'kyc.sqlite';

export interface DatabaseConfig {
  readonly kind: 'sqlite';
  /** Absolute path. */
  readonly file: string;
}

/** Absolute path of the folder for what the gateway itself keeps. */
export function readDataDir(reader: EnvironmentReader): string {
  return resolve(reader.text('DATA_DIR') ?? DEFAULT_DATA_DIR);
}

export function readDatabase(reader: EnvironmentReader, dataDir: string): DatabaseConfig {
  const url = reader.text('DATABASE_URL');
  const fallback = { kind: 'sqlite', file: join(dataDir, DEFAULT_FILE) } as const;
  if (url === undefined) return fallback;
  if (/^postgres(ql)?:/.test(url)) {
    reader.fault('DATABASE_URL', '`sqlite:<file>`; PostgreSQL is not there yet');
    return fallback;
  }
  const file = sqliteFile(url);
  if (file === undefined) reader.fault('DATABASE_URL', '`sqlite:<file>`');
  return file === undefined ? fallback : { kind: 'sqlite', file: resolve(file) };
}

/**
 * `sqlite:data/kyc.sqlite`, `sqlite:/var/kyc.sqlite`, and the URL form of the latter, `sqlite:///var/kyc.sqlite`. A database
 * in memory would be another one for every connection, and forget what it acknowledged.
 */
function sqliteFile(url: string): string | undefined {
  const [, path] = /^sqlite:(?:\/\/(?=\/))?(.+)$/s.exec(url) ?? [];
  const usable = path !== undefined && !path.startsWith('//') && path !== ':memory:';
  return usable ? path : undefined;
}
