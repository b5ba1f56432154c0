/** What the HTTP and WebSocket servers need to know of GraphQL: no more than this. */

import { type GraphQLFormattedError, type GraphQLSchema, specifiedRules } from 'graphql';
import type { Principal } from '../access/principal';

export interface GraphQLService {
  readonly schema: GraphQLSchema;
  /**
   * The context of one operation. A REQUEST is answered from one unchanging view of the data; a SUBSCRIPTION lives on and
   * holds none.
   */
  contextFor(
    principal: Principal,
    purpose: 'REQUEST' | 'SUBSCRIPTION',
  ): Promise<OperationContext> | OperationContext;
  /**
   * The body of the response, where that can be had in a shorter way than by executing the operation, and is the same to
   * the byte; else `null`.
   */
  answer?(principal: Principal, request: GraphQLRequest): Promise<string | null>;
  /** Turns whatever was thrown into what a client may see. */
  formatError(error: unknown): GraphQLFormattedError;
}

/** As sent. */
export interface GraphQLRequest {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

export interface OperationContext {
  readonly context: object;
  /** To be called once, when the operation is over: gives back what the context holds. */
  done(): void | Promise<void>;
}

/** The same over HTTP and WebSocket. */
export const VALIDATION_RULES = specifiedRules;
