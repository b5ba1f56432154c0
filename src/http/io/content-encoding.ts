/** The `Content-Encoding` header, in which some senders write a character set, or nothing. */

import type { IncomingMessage } from 'node:http';

const COMPRESSIONS: ReadonlySet<string> = new Set([
  'br',
  'compress',
  'dcb',
  'dcz',
  'deflate',
  'gzip',
  'x-compress',
  'x-gzip',
  'zstd',
]);

/** Whether the header names a compression. `identity`, `utf-8`, `binary` and other words mean that there is none. */
export function isCompressed({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const codings = headers['content-encoding']?.split(',') ?? [];
  return codings.some((coding) => COMPRESSIONS.has(coding.trim().toLowerCase()));
}
