/** Documents that our own clients are known to send: whether others are run, and what an id stands for. */

import { createHash } from 'node:crypto';
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';

export interface TrustedDocuments {
  /** `null`: clients have to send the document itself. `undefined`: nothing is known under this id. */
  textOf(id: string): string | undefined | null;
  /** @returns why this document is refused, or `null`. */
  refusalOf(text: string): GraphQLError | null;
}

export interface TrustedDocumentsOptions {
  readonly mode: 'off' | 'warn' | 'enforce';
  /** Documents by id. */
  readonly texts: ReadonlyMap<string, string>;
  /** Documents of the gateway's own commands, which clients send as text. */
  readonly builtIn?: readonly string[];
  readonly log: { warn(record: object, message: string): void };
}

export const ANY_DOCUMENT: TrustedDocuments = { textOf: () => null, refusalOf: () => null };

export function createTrustedDocuments(options: TrustedDocumentsOptions): TrustedDocuments {
  const { mode, texts, builtIn = [], log } = options;
  if (mode === 'off') return ANY_DOCUMENT;
  const trusted = new Set([...texts.values(), ...builtIn]);
  return {
    textOf: (id) => texts.get(id),
    refusalOf(text) {
      if (trusted.has(text)) return null;
      if (mode === 'enforce') return notTrusted();
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
export function findUnfit(schema: GraphQLSchema, texts: ReadonlyMap<string, string>): string[] {
  return [...texts].flatMap(([id, text]) => {
    const [first] = errorsOf(schema, text);
    return first === undefined ? [] : [`document ${JSON.stringify(id)}: ${first.message}`];
  });
}

function errorsOf(schema: GraphQLSchema, text: string): readonly GraphQLError[] {
  try {
    return validate(schema, parse(text));
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

function notTrusted(): GraphQLError {
  return new GraphQLError(
    'This document is not in the trusted list. Add it to TRUSTED_DOCUMENTS_FILE.',
    {
      extensions: { code: 'DOCUMENT_NOT_TRUSTED' },
    },
  );
}
