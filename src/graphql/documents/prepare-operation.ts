/**
 * Preparation of operations, for HTTP and WebSocket: parsing, validation and limits. Servers execute no other operations.
 *
 * Each step bounds the work of the next: tokens, counts, validation, variables, cost. Valid documents are cached, because
 * clients send few distinct texts.
 */

import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  ValuesOfCorrectTypeRule,
  validate,
} from 'graphql';
import { findVariableErrors, LiteralTextsRule, LiteralTypesRule } from '../inputs/input-check';
import { type CheckCost, createCostCheck } from './cost';
import type { DocumentLimits } from './limits';
import { findExceededLimit, limitExceeded } from './limits';
import type { TrustedDocuments } from './trusted-documents';

/** An operation as the client sent it. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A valid operation. While a document is cached, equal texts return the same objects. */
export interface PreparedOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

export interface RejectedOperation {
  readonly errors: readonly GraphQLError[];
}

export interface PrepareOperationOptions {
  readonly schema: GraphQLSchema;
  readonly limits: DocumentLimits;
  /** Whether clients may query the schema. */
  readonly introspection: boolean;
  readonly trusted: TrustedDocuments;
}

/** Parses and validates an operation with its variables. */
export type PrepareOperation = (request: OperationRequest) => PreparedOperation | RejectedOperation;

/** A valid document with the cost checks of its operations. */
interface ValidDocument {
  readonly document: DocumentNode;
  readonly costChecks: Map<OperationDefinitionNode, CheckCost>;
}

const MAX_CACHED_DOCUMENTS = 500;
/** Total length of the cached texts. The memory of a document is proportional to its length. */
const MAX_CACHED_CHARACTERS = 256 * 1024;
/** Longer texts are not cached. */
const MAX_CACHEABLE_CHARACTERS = 20_000;
/** Maximum number of validation errors per document. */
const MAX_ERRORS = 20;

export function createPrepareOperation(options: PrepareOperationOptions): PrepareOperation {
  const { schema, limits } = options;
  const check = createDocumentCheck(options);
  const cache = createDocumentCache();
  /** Avoids a second check: the fast path and plain execution may prepare the same request. */
  let lastRejection: { readonly text: string; readonly rejected: RejectedOperation } | undefined;

  function loadDocument(text: string): ValidDocument | RejectedOperation {
    const cached = cache.find(text);
    if (cached !== undefined) return cached;
    if (lastRejection?.text === text) return lastRejection.rejected;
    const document = check(text);
    if ('errors' in document) {
      lastRejection = { text, rejected: document };
      return document;
    }
    const valid = { document, costChecks: new Map() };
    cache.add(text, valid);
    return valid;
  }

  function loadCostCheck(
    { document, costChecks }: ValidDocument,
    operation: OperationDefinitionNode,
  ): CheckCost {
    const cached = costChecks.get(operation);
    if (cached !== undefined) return cached;
    const checkCost = createCostCheck(schema, document, operation, limits.cost);
    costChecks.set(operation, checkCost);
    return checkCost;
  }

  return ({ query, operationName, variables }) => {
    const valid = loadDocument(query);
    if ('errors' in valid) return valid;
    const operation = getOperationAST(valid.document, operationName);
    if (!operation) return { errors: [operationNotFound()] };
    const errors = findVariableErrors(schema, operation, variables);
    if (errors.length > 0) return { errors };
    const excess = loadCostCheck(valid, operation)(variables);
    return excess === null ? { document: valid.document, operation } : { errors: [excess] };
  };
}

type DocumentCheck = (text: string) => DocumentNode | RejectedOperation;

function createDocumentCheck(options: PrepareOperationOptions): DocumentCheck {
  const { schema, limits, introspection, trusted } = options;
  const rules = [
    ...specifiedRules.filter((rule) => rule !== ValuesOfCorrectTypeRule),
    LiteralTypesRule,
    LiteralTextsRule,
    ...(introspection ? [] : [NoSchemaIntrospectionCustomRule]),
  ];

  function check(text: string): DocumentNode | RejectedOperation {
    const untrusted = trusted.check(text);
    if (untrusted !== null) return { errors: [untrusted] };
    const document = parseDocument(text, limits);
    if ('errors' in document) return document;
    const exceeded = findExceededLimit(document, limits);
    if (exceeded !== null) return { errors: [exceeded] };
    const errors = validate(schema, document, rules, { maxErrors: MAX_ERRORS });
    return errors.length > 0 ? { errors } : document;
  }

  return (text) => {
    try {
      return check(text);
    } catch (error) {
      // With high limits, nested values can exceed the stack.
      if (error instanceof RangeError) return { errors: [limitExceeded('depth', null, limits)] };
      throw error;
    }
  };
}

interface DocumentCache {
  find(text: string): ValidDocument | undefined;
  add(text: string, document: ValidDocument): void;
}

/** Creates a cache that evicts the least recently used documents. */
function createDocumentCache(): DocumentCache {
  const documents = new Map<string, ValidDocument>(); // least recently used first
  let characters = 0;
  return {
    find(text) {
      const document = documents.get(text);
      if (document === undefined) return undefined;
      documents.delete(text);
      documents.set(text, document);
      return document;
    },
    add(text, document) {
      if (text.length > MAX_CACHEABLE_CHARACTERS) return;
      documents.set(text, document);
      characters += text.length;
      for (const oldest of documents.keys()) {
        if (documents.size <= MAX_CACHED_DOCUMENTS && characters <= MAX_CACHED_CHARACTERS) break;
        documents.delete(oldest);
        characters -= oldest.length;
      }
    },
  };
}

function parseDocument(text: string, limits: DocumentLimits): DocumentNode | RejectedOperation {
  try {
    return parse(text, { maxTokens: limits.tokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const ended = error.message.includes(`more that ${limits.tokens} tokens`); // the library sets no error code
    return { errors: [ended ? limitExceeded('tokens', null, limits) : error] };
  }
}

function operationNotFound(): GraphQLError {
  return new GraphQLError('`operationName` must name one of the operations of the document.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  });
}
