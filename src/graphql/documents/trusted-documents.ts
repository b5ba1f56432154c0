/** Trusted documents: a list of documents by ID, and the treatment of documents that are not in the list. */

import { createHash } from 'node:crypto';
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';

export interface TrustedDocuments {
  /** Returns the document with this ID. Undefined if the list has no such ID, null if there is no list. */
  findText(id: string): string | undefined | null;
  /** Returns an error if the document is not allowed, or null. */
  check(text: string): GraphQLError | null;
}

export interface TrustedDocumentsOptions {
  /** `warn` logs untrusted documents, `enforce` rejects them, `off` allows all. */
  readonly mode: 'off' | 'warn' | 'enforce';
  /** Documents by ID. */
  readonly texts: ReadonlyMap<string, string>;
  /** Documents of the gateway's own commands, which are sent as text. */
  readonly builtIn?: readonly string[];
  readonly log: { warn(record: object, message: string): void };
}

/** Allows all documents. */
export const ALL_DOCUMENTS: TrustedDocuments = { findText: () => null, check: () => null };

export function createTrustedDocuments(options: TrustedDocumentsOptions): TrustedDocuments {
  const { mode, texts, builtIn = [], log } = options;
  if (mode === 'off') return ALL_DOCUMENTS;
  const trusted = new Set([...texts.values(), ...builtIn]);
  return {
    findText: (id) => texts.get(id),
    check(text) {
      if (trusted.has(text)) return null;
      if (mode === 'enforce') return documentNotTrusted();
      // Logs a hash, because the text may contain personal data.
      const sha256 = createHash('sha256').update(text).digest('hex');
      log.warn({ sha256, characters: text.length }, 'executed untrusted document');
      return null;
    },
  };
}

/**
 * Returns a message for every document that is invalid for the schema.
 *
 * @param texts - Documents by ID.
 */
export function findInvalidDocuments(
  schema: GraphQLSchema,
  texts: ReadonlyMap<string, string>,
): string[] {
  return [...texts].flatMap(([id, text]) => {
    const [first] = findErrors(schema, text);
    return first === undefined ? [] : [`document ${JSON.stringify(id)}: ${first.message}`];
  });
}

function findErrors(schema: GraphQLSchema, text: string): readonly GraphQLError[] {
  try {
    return validate(schema, parse(text));
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

function documentNotTrusted(): GraphQLError {
  return new GraphQLError(
    'This document is not in the trusted list. Add it to TRUSTED_DOCUMENTS_FILE.',
    {
      extensions: { code: 'DOCUMENT_NOT_TRUSTED' },
    },
  );
}
