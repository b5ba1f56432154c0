/** The interface between the HTTP and WebSocket servers and GraphQL. */

import type { GraphQLFormattedError, GraphQLSchema } from 'graphql';
import type { Principal } from '../access/principal';
import type { Reader } from '../store/read/reader';
import { getViewKey } from './access/visibility';
import {
  createPrepareOperation,
  type OperationRequest,
  type PrepareOperation,
  type PrepareOperationOptions,
} from './documents/prepare-operation';
import type { TrustedDocuments } from './documents/trusted-documents';
import { createErrorFormatter, type ErrorLog } from './errors';
import { createPlannedExecution, type PlannedExecutionOptions } from './planner/execute';
import { type ContextOptions, createContext } from './request/context';

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

/** Dependencies of all operations. Each operation adds its principal and its view of the data. */
type ContextParts = Omit<ContextOptions, 'principal' | 'read'>;

export interface GraphQLServiceOptions {
  readonly documents: PrepareOperationOptions;
  readonly parts: ContextParts;
  /** See `PlannedExecutionOptions`. */
  readonly supported: PlannedExecutionOptions['supported'];
  readonly log: ErrorLog & PlannedExecutionOptions['log'];
}

export function createGraphQLService(options: GraphQLServiceOptions): GraphQLService {
  const { documents, parts, supported, log } = options;
  const { schema, trusted } = documents;
  const prepare = createPrepareOperation(documents);
  return {
    schema,
    prepare,
    trusted,
    executePlanned: createPlannedExecution({ ...parts, schema, supported, prepare, log }),
    formatError: createErrorFormatter(log, { suggestions: documents.introspection }),
    getViewKey,
    openContext(principal, purpose) {
      if (purpose === 'REQUEST') return openSnapshotContext(principal, parts);
      const context = createContext({ ...parts, principal, read: parts.store.read });
      return { context, release() {} };
    },
  };
}

/** Opens a snapshot of the database that lives until the operation releases it. */
function openSnapshotContext(principal: Principal, parts: ContextParts): Promise<OperationContext> {
  return new Promise((resolve, reject) => {
    const openContext = (read: Reader) =>
      new Promise<void>((done) => {
        resolve({ context: createContext({ ...parts, principal, read }), release: done });
      });
    parts.store.snapshot(openContext).catch(reject);
  });
}
