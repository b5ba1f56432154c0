/**
 * `TRUSTED_DOCUMENTS` and `TRUSTED_DOCUMENTS_FILE`: the documents that our own clients send, as their build tools list them.
 *
 * Either `{ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [{ "id", "body" }] }` (Apollo), or
 * `{ "<id>": "<document>" }` (Relay, GraphQL Code Generator).
 */

import { z } from 'zod';
import type { EnvironmentReader } from './environment';
import { oneOf, parseJson } from './parsers';

export interface TrustedDocumentsConfig {
  readonly mode: 'off' | 'warn' | 'enforce';
  /** Documents by id. */
  readonly texts: ReadonlyMap<string, string>;
}

const MODE = oneOf('off', 'warn', 'enforce');
const FILE = 'TRUSTED_DOCUMENTS_FILE';
const TEXT = z.string().min(1);

const APOLLO = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: TEXT, body: TEXT })),
});
const MAP = z.record(TEXT, TEXT);

/** @param fileText - Content of the file; `null` where none is named or it could not be read. */
export function readTrustedDocuments(
  reader: EnvironmentReader,
  fileText: string | null,
): TrustedDocumentsConfig {
  const mode = reader.read('TRUSTED_DOCUMENTS', MODE, 'off');
  const file = reader.text(FILE);
  if (mode !== 'off' && file === undefined) {
    reader.fault(FILE, `a file of documents where TRUSTED_DOCUMENTS is ${mode}`);
  }
  const texts = fileText === null ? new Map<string, string>() : textsOf(fileText);
  if (texts === undefined) {
    reader.fault(FILE, 'an Apollo persisted query manifest or a JSON object of documents by id');
  }
  return { mode, texts: texts ?? new Map() };
}

function textsOf(fileText: string): ReadonlyMap<string, string> | undefined {
  const content = parseJson(fileText);
  const apollo = APOLLO.safeParse(content);
  if (apollo.success) return new Map(apollo.data.operations.map(({ id, body }) => [id, body]));
  const map = MAP.safeParse(content);
  return map.success && !Object.hasOwn(map.data, 'format')
    ? new Map(Object.entries(map.data))
    : undefined;
}
