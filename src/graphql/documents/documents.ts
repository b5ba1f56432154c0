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
import { faultsOfVariables, LiteralTextsRule, LiteralTypesRule } from '../inputs/input-check';
import { type CheckCost, createCostCheck } from './cost';
import { excessOf, tooMuch } from './counts';
import type { DocumentLimits } from './limits';
import type { TrustedDocuments } from './trusted-documents';

/** An operation as sent. */
export interface Question {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Equal documents are the same object, and so are their operations, as long as they are kept. */
export interface Admitted {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

export interface Refused {
  readonly errors: readonly GraphQLError[];
}

export interface DocumentsOptions {
  readonly schema: GraphQLSchema;
  readonly limits: DocumentLimits;
  /** Whether clients may ask for the schema. */
  readonly introspection: boolean;
  readonly trusted: TrustedDocuments;
}

/** Whether an operation may be run with these variables. */
export type Admit = (question: Question) => Admitted | Refused;

/** A document, and what each of its operations costs. */
interface Sound {
  readonly document: DocumentNode;
  readonly costs: Map<OperationDefinitionNode, CheckCost>;
}

const MAX_KEPT = 500;
/** Of all texts together: what is kept of a document takes memory by its length. */
const MAX_KEPT_CHARACTERS = 256 * 1024;
/** Longer texts are checked each time. */
const MAX_CHARACTERS = 20_000;
/** Errors told of one document; finding more is work that helps nobody. */
const MAX_ERRORS = 20;

export function createDocuments(options: DocumentsOptions): Admit {
  const { schema, limits, introspection, trusted } = options;
  const kept = new Map<string, Sound>(); // the least recently used first
  let characters = 0;
  /** A request may ask twice, by the short way and by the long one. */
  let lastRefusal: { readonly text: string; readonly refused: Refused } | undefined;
  const rules = [
    ...specifiedRules.filter((rule) => rule !== ValuesOfCorrectTypeRule),
    LiteralTypesRule,
    LiteralTextsRule,
    ...(introspection ? [] : [NoSchemaIntrospectionCustomRule]),
  ];

  function read(text: string): Sound | Refused {
    const known = kept.get(text);
    if (known !== undefined) {
      kept.delete(text);
      kept.set(text, known);
      return known;
    }
    if (lastRefusal?.text === text) return lastRefusal.refused;
    const document = checkWithinStack(text);
    if ('errors' in document) {
      lastRefusal = { text, refused: document };
      return document;
    }
    const sound = { document, costs: new Map() };
    if (text.length <= MAX_CHARACTERS) keep(text, sound);
    return sound;
  }

  function check(text: string): DocumentNode | Refused {
    const refusal = trusted.refusalOf(text);
    if (refusal !== null) return { errors: [refusal] };
    const document = parseOrRefuse(text, limits);
    if ('errors' in document) return document;
    const excess = excessOf(document, limits);
    if (excess !== null) return { errors: [excess] };
    const errors = validate(schema, document, rules, { maxErrors: MAX_ERRORS });
    return errors.length > 0 ? { errors } : document;
  }

  /** With limits set high, a value can be nested deeper than there is stack to read it. */
  function checkWithinStack(text: string): DocumentNode | Refused {
    try {
      return check(text);
    } catch (error) {
      if (error instanceof RangeError) return { errors: [tooMuch('depth', null, limits)] };
      throw error;
    }
  }

  function keep(text: string, sound: Sound): void {
    kept.set(text, sound);
    characters += text.length;
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_KEPT && characters <= MAX_KEPT_CHARACTERS) break;
      kept.delete(oldest);
      characters -= oldest.length;
    }
  }

  function costOf({ document, costs }: Sound, operation: OperationDefinitionNode): CheckCost {
    const known = costs.get(operation);
    if (known !== undefined) return known;
    const made = createCostCheck(schema, document, operation, limits.cost);
    costs.set(operation, made);
    return made;
  }

  return ({ query, operationName, variables }) => {
    const sound = read(query);
    if ('errors' in sound) return sound;
    const operation = getOperationAST(sound.document, operationName);
    if (!operation) return { errors: [unresolved()] };
    const faults = faultsOfVariables(schema, operation, variables);
    if (faults.length > 0) return { errors: faults };
    const excess = costOf(sound, operation)(variables);
    return excess === null ? { document: sound.document, operation } : { errors: [excess] };
  };
}

function parseOrRefuse(text: string, limits: DocumentLimits): DocumentNode | Refused {
  try {
    return parse(text, { maxTokens: limits.tokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const ended = error.message.includes(`more that ${limits.tokens} tokens`); // the library has no code for it
    return { errors: [ended ? tooMuch('tokens', null, limits) : error] };
  }
}

function unresolved(): GraphQLError {
  return new GraphQLError('`operationName` must name one of the operations of the document.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  });
}
