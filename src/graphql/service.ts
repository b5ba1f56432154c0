/** What the HTTP and WebSocket servers need to know of GraphQL: no more than this. */

import type { GraphQLFormattedError, GraphQLSchema } from 'graphql';
import type { Principal } from '../access/principal';
import type { OperationRequest, PrepareOperation } from './documents/prepare-operation';
import type { TrustedDocuments } from './documents/trusted-documents';

export interface GraphQLService {
  readonly schema: GraphQLSchema;
  /** Nothing is run that this does not let through. */
  readonly prepare: PrepareOperation;
  readonly trusted: Pick<TrustedDocuments, 'findText'>;
  /**
   * The context of one operation. A REQUEST is answered from one unchanging view of the data; a SUBSCRIPTION lives on and
   * holds none.
   */
  openContext(
    principal: Principal,
    purpose: 'REQUEST' | 'SUBSCRIPTION',
  ): Promise<OperationContext> | OperationContext;
  /**
   * The body of the response, where that can be had in a shorter way than by executing the operation, and is the same to
   * the byte; else `null`.
   */
  executePlanned?(principal: Principal, question: OperationRequest): Promise<string | null>;
  /**
   * Names what a principal may see: for equal names, what a subscription answers about an entry of the log is the same,
   * also for other arguments of its root field. `null`: it may be seen by this one alone.
   */
  getViewKey(principal: Principal): string | null;
  /** Turns whatever was thrown into what a client may see. */
  formatError(error: unknown): GraphQLFormattedError;
}

export interface OperationContext {
  readonly context: object;
  /** To be called once, when the operation is over: gives back what the context holds. */
  release(): void | Promise<void>;
}
