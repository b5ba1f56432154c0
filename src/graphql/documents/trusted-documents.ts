/** Documents that our own clients are known to send: whether others are run, and what an id stands for. */

import { createHash } from 'node:crypto';
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';

export interface TrustedDocuments {
  /** `null`: clients have to send the document itself. `undefined`: nothing is known under this id. */
  findText(id: string): string | undefined | null;
  /** @returns why this document is refused, or `null`. */
  check(text: string): GraphQLError | null;
}

export interface TrustedDocumentsOptions {
  readonly mode: 'off' | 'warn' | 'enforce';
  /** Documents by id. */
  readonly texts: ReadonlyMap<string, string>;
  /** Documents of the gateway's own commands, which clients send as text. */
  readonly builtIn?: readonly string[];
  readonly log: { warn(record: object, message: string): void };
}

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
      // The text itself may hold whatever a client has written into it.
      const sha256 = createHash('sha256').update(text).digest('hex');
      log.warn({ sha256, characters: text.length }, 'a document that is not trusted was run');
      return null;
    },
  };
}

/**
 * Describes every document that does not fit the schema, by its id.
 *
 * @param texts - Documents by id.
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
