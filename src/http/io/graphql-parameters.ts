/**
 * Normalizes the parameters of a GraphQL request: treats empty optional parameters as absent, and replaces the ID of a trusted
 * document with its text.
 */

import { GatewayError } from '../../domain/errors';
import type { TrustedDocuments } from '../../graphql/documents/trusted-documents';
import { isJsonObject, type JsonObject } from './json';

type Documents = Pick<TrustedDocuments, 'findText'>;

/** Parameters with a document ID: GraphQL over HTTP, Relay, GraphQL Code Generator. Apollo Client uses an extension. */
const ID_NAMES: readonly string[] = ['documentId', 'doc_id', 'id'];
const RESOLVED_NAMES: readonly string[] = [...ID_NAMES, 'extensions'];

/** Optional URL parameters, with the values that count as absent. */
const EMPTY_VALUES: Readonly<Record<string, readonly string[]>> = {
  operationName: [''],
  variables: ['', 'null'],
  extensions: ['', 'null'],
};

/** Apollo Client sends the document itself after an error with exactly this message. */
export class UnknownDocumentError extends GatewayError {
  constructor() {
    super('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
  }
}

/**
 * Normalizes parameters sent as JSON. If there is a `query`, removes the document ID.
 *
 * @throws {UnknownDocumentError}
 */
export function normalizeParameters<P extends { readonly operationName?: unknown }>(
  parameters: P,
  documents: Documents,
): P {
  const named =
    parameters.operationName === '' ? { ...parameters, operationName: null } : parameters;
  return resolveDocument(named, documents);
}

/**
 * Normalizes the parameters of a URL. Leaves duplicate parameters for Apollo Server to reject.
 *
 * @param search - Query of the URL: empty, or starts with `?`.
 * @throws {UnknownDocumentError}
 */
export function normalizeSearch(search: string, documents: Documents): string {
  return resolveSearch(removeEmpty(search), documents);
}

function removeEmpty(search: string): string {
  const parameters = new URLSearchParams(search);
  const empty = Object.entries(EMPTY_VALUES).filter(([name, emptyValues]) => {
    const [value, ...duplicates] = parameters.getAll(name);
    return value !== undefined && duplicates.length === 0 && emptyValues.includes(value);
  });
  if (empty.length === 0) return search;
  for (const [name] of empty) parameters.delete(name);
  return `?${parameters}`;
}

function resolveDocument<P extends object>(parameters: P, { findText }: Documents): P {
  const sent: object = parameters;
  const given: JsonObject = { ...sent };
  const id = findId(given) ?? findHash(given.extensions);
  const text =
    typeof id === 'string' ? (findText(id) ?? findText(id.replace(/^sha256:/, ''))) : null;
  if (text === null) return parameters;
  const query = given.query || text;
  if (query === undefined) throw new UnknownDocumentError();
  const rest = Object.entries(given).filter(([name]) => !RESOLVED_NAMES.includes(name));
  return { ...Object.fromEntries(rest), query } as unknown as P; // a subset of P, plus `query`
}

function findId(parameters: JsonObject): unknown {
  return ID_NAMES.map((name) => parameters[name]).find((id) => typeof id === 'string' && id !== '');
}

function findHash(extensions: unknown): unknown {
  const { persistedQuery }: JsonObject = isJsonObject(extensions) ? extensions : {};
  return isJsonObject(persistedQuery) ? persistedQuery.sha256Hash : undefined;
}

function resolveSearch(search: string, documents: Documents): string {
  if (search === '') return search;
  const parameters = new URLSearchParams(search);
  const extensions = parseOrNull(parameters.get('extensions'));
  const query = parameters.get('query');
  const ids = ID_NAMES.flatMap((name) => {
    const id = parameters.get(name);
    return id === null ? [] : [[name, id] as const];
  });
  if (ids.length === 0 && findHash(extensions) === undefined) return search;
  const sent = { ...Object.fromEntries(ids), extensions, query };
  const resolved = resolveDocument(sent, documents);
  if (resolved === sent) return search;
  for (const name of RESOLVED_NAMES) parameters.delete(name);
  parameters.set('query', String(resolved.query));
  return `?${parameters}`;
}

/** Null if malformed: Apollo Server rejects the request. */
function parseOrNull(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}
