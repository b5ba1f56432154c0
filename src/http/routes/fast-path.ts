/** Executes operations without Apollo Server where the response is the same: status, headers and body. */

import type { IncomingMessage } from 'node:http';
import type { Principal } from '../../access/principal';
import type { OperationRequest } from '../../graphql/documents/prepare-operation';
import type { GraphQLService } from '../../graphql/service';
import { isJsonObject } from '../io/json';
import type { HttpResponse } from '../io/response';

export interface FastPath {
  /** Executes a request. Returns null if only Apollo Server can. @param body - Parsed body. */
  execute(
    principal: Principal,
    request: IncomingMessage,
    body: unknown,
  ): Promise<HttpResponse | null>;
  /** Records the content type that Apollo Server chose. */
  learn(request: IncomingMessage, response: HttpResponse): void;
}

/** Clients of one kind send the same `Accept` header, and there are few kinds. */
const MAX_ACCEPT_HEADERS = 100;
const PARAMETERS = new Set(['query', 'variables', 'operationName']);

export function createFastPath(graphql: Pick<GraphQLService, 'executePlanned'>): FastPath {
  /** Content type of successful responses of Apollo Server, by `Accept` header. */
  const contentTypes = new Map<string, string>();

  return {
    async execute(principal, { headers: { accept = '' } }, body) {
      const type = contentTypes.get(accept);
      const operation = type === undefined ? null : toOperation(body);
      const text = operation && (await graphql.executePlanned?.(principal, operation));
      return text ? { status: 200, headers: { 'content-type': type }, body: text } : null;
    },

    learn({ method, headers: { accept = '' } }, { status, headers }) {
      const type = headers?.['content-type'];
      if (method !== 'POST' || status !== 200 || typeof type !== 'string') return;
      if (contentTypes.size < MAX_ACCEPT_HEADERS) contentTypes.set(accept, type);
    },
  };
}

/** Returns null for anything but a plain request: Apollo Server reports the error. */
function toOperation(body: unknown): OperationRequest | null {
  if (!isJsonObject(body)) return null;
  if (!Object.keys(body).every((name) => PARAMETERS.has(name))) return null;
  const { query, operationName, variables } = body;
  if (typeof query !== 'string') return null;
  if (!isAbsent(operationName) && typeof operationName !== 'string') return null;
  if (!isAbsent(variables) && !isJsonObject(variables)) return null;
  return { query, operationName: operationName ?? null, variables: variables ?? {} };
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}
