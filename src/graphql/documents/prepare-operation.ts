/**
 * Reads documents, for HTTP and WebSocket alike: the one place where a text becomes an operation that may be run.
 *
 * Each step is bounded by the one before: tokens, then counts, then validation, then the variables, then the cost with them.
 * Documents that were found sound are kept, because clients send the same few texts again and again.
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

/** An operation as sent. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Equal documents are the same object, and so are their operations, as long as they are kept. */
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
  /** Whether clients may ask for the schema. */
  readonly introspection: boolean;
  readonly trusted: TrustedDocuments;
}

/** Whether an operation may be run with these variables. */
export type PrepareOperation = (
  question: OperationRequest,
) => PreparedOperation | RejectedOperation;

/** A document, and what each of its operations costs. */
interface ValidDocument {
  readonly document: DocumentNode;
  readonly costs: Map<OperationDefinitionNode, CheckCost>;
}

const MAX_CACHED_DOCUMENTS = 500;
/** Of all texts together: what is kept of a document takes memory by its length. */
const MAX_CACHED_CHARACTERS = 256 * 1024;
/** Longer texts are checked each time. */
const MAX_CACHEABLE_CHARACTERS = 20_000;
/** Errors told of one document; finding more is work that helps nobody. */
const MAX_ERRORS = 20;

export function createPrepareOperation(options: PrepareOperationOptions): PrepareOperation {
  const { schema, limits, introspection, trusted } = options;
  const cache = new Map<string, ValidDocument>(); // the least recently used first
  let cachedCharacters = 0;
  /** A request may ask twice, by the short way and by the long one. */
  let lastRejection: { readonly text: string; readonly refused: RejectedOperation } | undefined;
  const rules = [
    ...specifiedRules.filter((rule) => rule !== ValuesOfCorrectTypeRule),
    LiteralTypesRule,
    LiteralTextsRule,
    ...(introspection ? [] : [NoSchemaIntrospectionCustomRule]),
  ];

  function loadDocument(text: string): ValidDocument | RejectedOperation {
    const known = cache.get(text);
    if (known !== undefined) {
      cache.delete(text);
      cache.set(text, known);
      return known;
    }
    if (lastRejection?.text === text) return lastRejection.refused;
    const document = checkWithinStack(text);
    if ('errors' in document) {
      lastRejection = { text, refused: document };
      return document;
    }
    const sound = { document, costs: new Map() };
    if (text.length <= MAX_CACHEABLE_CHARACTERS) addToCache(text, sound);
    return sound;
  }

  function check(text: string): DocumentNode | RejectedOperation {
    const refusal = trusted.check(text);
    if (refusal !== null) return { errors: [refusal] };
    const document = parseDocument(text, limits);
    if ('errors' in document) return document;
    const excess = findExceededLimit(document, limits);
    if (excess !== null) return { errors: [excess] };
    const errors = validate(schema, document, rules, { maxErrors: MAX_ERRORS });
    return errors.length > 0 ? { errors } : document;
  }

  /** With limits set high, a value can be nested deeper than there is stack to read it. */
  function checkWithinStack(text: string): DocumentNode | RejectedOperation {
    try {
      return check(text);
    } catch (error) {
      if (error instanceof RangeError) return { errors: [limitExceeded('depth', null, limits)] };
      throw error;
    }
  }

  function addToCache(text: string, sound: ValidDocument): void {
    cache.set(text, sound);
    cachedCharacters += text.length;
    for (const oldest of cache.keys()) {
      if (cache.size <= MAX_CACHED_DOCUMENTS && cachedCharacters <= MAX_CACHED_CHARACTERS) break;
      cache.delete(oldest);
      cachedCharacters -= oldest.length;
    }
  }

  function costCheckFor(
    { document, costs }: ValidDocument,
    operation: OperationDefinitionNode,
  ): CheckCost {
    const known = costs.get(operation);
    if (known !== undefined) return known;
    const made = createCostCheck(schema, document, operation, limits.cost);
    costs.set(operation, made);
    return made;
  }

  return ({ query, operationName, variables }) => {
    const sound = loadDocument(query);
    if ('errors' in sound) return sound;
    const operation = getOperationAST(sound.document, operationName);
    if (!operation) return { errors: [operationNotFound()] };
    const faults = findVariableErrors(schema, operation, variables);
    if (faults.length > 0) return { errors: faults };
    const excess = costCheckFor(sound, operation)(variables);
    return excess === null ? { document: sound.document, operation } : { errors: [excess] };
  };
}

function parseDocument(text: string, limits: DocumentLimits): DocumentNode | RejectedOperation {
  try {
    return parse(text, { maxTokens: limits.tokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const ended = error.message.includes(`more that ${limits.tokens} tokens`); // the library has no code for it
    return { errors: [ended ? limitExceeded('tokens', null, limits) : error] };
  }
}

function operationNotFound(): GraphQLError {
  return new GraphQLError('`operationName` must name one of the operations of the document.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  });
}
