/** Clients may name a trusted document by its id; from here on there is the document alone. */

import { GatewayError } from '../../domain/errors';
import type { TrustedDocuments } from '../../graphql/documents/trusted-documents';
import { isJsonObject, type JsonObject } from './json-object';

/** Under which clients send the id: GraphQL over HTTP, Relay, GraphQL Code Generator. Apollo Client has an extension. */
const NAMES: readonly string[] = ['documentId', 'doc_id', 'id'];
const NAMING: readonly string[] = [...NAMES, 'extensions'];

/**
 * The parameters of a request with the document spelled out. Where there is a document already, the id is dropped.
 *
 * @throws {GatewayError} PERSISTED_QUERY_NOT_FOUND
 */
export function resolveDocument<P extends object>(
  parameters: P,
  { findText }: Pick<TrustedDocuments, 'findText'>,
): P {
  const sent: object = parameters;
  const given: JsonObject = { ...sent };
  const id = namedIn(given) ?? persistedQuery(given.extensions);
  const text =
    typeof id === 'string' ? (findText(id) ?? findText(id.replace(/^sha256:/, ''))) : null;
  if (text === null) return parameters;
  const query = given.query || text;
  if (query === undefined) throw new UnknownDocumentError();
  const rest = Object.entries(given).filter(([name]) => !NAMING.includes(name));
  return { ...Object.fromEntries(rest), query } as unknown as P; // P names what may be there, and this is some of it
}

/** The message is the one by which Apollo Client knows to send the document itself. */
export class UnknownDocumentError extends GatewayError {
  constructor() {
    super('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
  }
}

function namedIn(parameters: JsonObject): unknown {
  return NAMES.map((name) => parameters[name]).find((id) => typeof id === 'string' && id !== '');
}

function persistedQuery(extensions: unknown): unknown {
  const { persistedQuery: named }: JsonObject = isJsonObject(extensions) ? extensions : {};
  return isJsonObject(named) ? named.sha256Hash : undefined;
}

/** The same for the query of a URL: `search` begins with `?` or is empty. */
export function resolveDocumentSearch(
  search: string,
  trusted: Pick<TrustedDocuments, 'findText'>,
): string {
  if (search === '') return search;
  const parameters = new URLSearchParams(search);
  const extensions = parsed(parameters.get('extensions'));
  const query = parameters.get('query');
  const named = NAMES.flatMap((name) => {
    const id = parameters.get(name);
    return id === null ? [] : [[name, id] as const];
  });
  if (named.length === 0 && persistedQuery(extensions) === undefined) return search;
  const sent = { ...Object.fromEntries(named), extensions, query };
  const spelled = resolveDocument(sent, trusted);
  if (spelled === sent) return search;
  for (const name of NAMING) parameters.delete(name);
  parameters.set('query', String(spelled.query));
  return `?${parameters}`;
}

/** What is no JSON is left for others to refuse. */
function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}
