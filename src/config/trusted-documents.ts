/**
 * `TRUSTED_DOCUMENTS` and `TRUSTED_DOCUMENTS_FILE`: the list of documents that a build tool of the clients writes.
 *
 * The file is either `{ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [{ "id", "body" }] }` (Apollo), or
 * `{ "<id>": "<document>" }` (Relay, GraphQL Code Generator).
 */

import { z } from 'zod';
import type { TrustedDocumentsOptions } from '../graphql/documents/trusted-documents';
import type { EnvironmentReader } from './environment';
import { oneOf, parseJson } from './parsers';

export type TrustedDocumentsConfig = Pick<TrustedDocumentsOptions, 'mode' | 'texts'>;

const MODE = oneOf('off', 'warn', 'enforce');
const FILE = 'TRUSTED_DOCUMENTS_FILE';
const TEXT = z.string().min(1);

const APOLLO = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: TEXT, body: TEXT })),
});
const MAP = z.record(TEXT, TEXT);

/** @param fileText - Content of the file. Null if no file is configured or it is not readable. */
export function readTrustedDocuments(
  reader: EnvironmentReader,
  fileText: string | null,
): TrustedDocumentsConfig {
  const mode = reader.read('TRUSTED_DOCUMENTS', MODE, 'off');
  const file = reader.text(FILE);
  if (mode !== 'off' && file === undefined) {
    reader.fault(FILE, `the path of a document list if TRUSTED_DOCUMENTS is ${mode}`);
  }
  const texts = fileText === null ? new Map<string, string>() : parseDocuments(fileText);
  if (texts === undefined) {
    reader.fault(
      FILE,
      'the path of an Apollo persisted query manifest or of a JSON object of documents by ID',
    );
  }
  return { mode, texts: texts ?? new Map() };
}

function parseDocuments(fileText: string): ReadonlyMap<string, string> | undefined {
  const content = parseJson(fileText);
  const apollo = APOLLO.safeParse(content);
  if (apollo.success) return new Map(apollo.data.operations.map(({ id, body }) => [id, body]));
  const map = MAP.safeParse(content);
  return map.success && !Object.hasOwn(map.data, 'format')
    ? new Map(Object.entries(map.data))
    : undefined;
}
