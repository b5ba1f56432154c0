/** Documents that were found sound, kept because clients send the same few texts again and again. */

import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import { VALIDATION_RULES } from './graphql-service';

export interface Checked {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

export interface Refused {
  readonly errors: readonly GraphQLError[];
}

export type Documents = (
  text: string,
  operationName: string | null | undefined,
) => Checked | Refused;

const MAX_KEPT = 500;
/** Longer texts are checked each time, so that what is kept takes little memory. */
const MAX_KEPT_LENGTH = 8192;

export function createDocuments(schema: GraphQLSchema): Documents {
  const kept = new Map<string, DocumentNode>(); // the least recently used first

  function read(text: string): DocumentNode | Refused {
    const known = kept.get(text);
    if (known !== undefined) {
      kept.delete(text);
      kept.set(text, known);
      return known;
    }
    const document = parseOrRefuse(text);
    if ('errors' in document) return document;
    const errors = validate(schema, document, VALIDATION_RULES);
    if (errors.length > 0) return { errors };
    if (text.length <= MAX_KEPT_LENGTH) keep(text, document);
    return document;
  }

  function keep(text: string, document: DocumentNode): void {
    kept.set(text, document);
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  }

  return (text, operationName) => {
    const document = read(text);
    if ('errors' in document) return document;
    const operation = getOperationAST(document, operationName);
    if (operation) return { document, operation };
    return { errors: [new GraphQLError('expected `operationName` to name one of the operations')] };
  };
}

function parseOrRefuse(text: string): DocumentNode | Refused {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  }
}
