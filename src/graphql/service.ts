/** The interface between the HTTP and WebSocket servers and GraphQL. */

import type { GraphQLFormattedError, GraphQLSchema } from 'graphql';
import type { Principal } from '../access/principal';
import type { OperationRequest, PrepareOperation } from './documents/prepare-operation';
import type { TrustedDocuments } from './documents/trusted-documents';

export interface GraphQLService {
  readonly schema: GraphQLSchema;
  /** Parses and validates an operation. Servers execute only operations that it accepts. */
  readonly prepare: PrepareOperation;
  readonly trusted: Pick<TrustedDocuments, 'findText'>;

  /**
   * Opens the context of one operation. A REQUEST reads from one snapshot of the data. A SUBSCRIPTION is long-lived and
   * holds no snapshot.
   */
  openContext(
    principal: Principal,
    purpose: 'REQUEST' | 'SUBSCRIPTION',
  ): Promise<OperationContext> | OperationContext;

  /**
   * Returns the response body from a single statement, byte for byte as plain execution returns it. Returns null if the
   * operation requires plain execution.
   */
  executePlanned?(principal: Principal, request: OperationRequest): Promise<string | null>;

  /**
   * Returns a key of what a principal may see. Principals with equal keys receive equal payloads for an entry of the log,
   * regardless of the arguments of the root field. Null if payloads must not be shared.
   */
  getViewKey(principal: Principal): string | null;
  /** Converts a thrown value to an error for the client. */
  formatError(error: unknown): GraphQLFormattedError;
}

export interface OperationContext {
  readonly context: object;
  /** Releases the resources of the context. Call it once, at the end of the operation. */
  release(): void | Promise<void>;
}
