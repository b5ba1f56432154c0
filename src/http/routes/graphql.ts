/** `GET` and `POST /graphql`: GraphQL over HTTP with Apollo Server, for authenticated callers. */

import type { IncomingMessage } from 'node:http';
import {
  type ApolloServer,
  HeaderMap,
  type HTTPGraphQLRequest,
  type HTTPGraphQLResponse,
} from '@apollo/server';
import type { Principal } from '../../access/principal';
import { GatewayError } from '../../domain/errors';
import { type BodyReader, isCompressed } from '../io/body-reader';
import { normalizeParameters, normalizeSearch } from '../io/graphql-parameters';
import { isJsonObject, isTooDeep, MAX_JSON_DEPTH } from '../io/json';
import type { Observer } from '../io/observer';
import { toStatus } from '../io/problem';
import { type HttpResponse, sendResponse } from '../io/response';
import type { Handler, Route, RoutedRequest } from '../io/router';
import type { Authentication } from '../limits/authentication';
import { clientAddress } from '../limits/client-address';
import type { Release } from '../limits/concurrency-limiter';
import type { CorsPolicy } from '../limits/cors';
import type { HttpLimits } from '../limits/limits';
import type { Quotas } from '../limits/quotas';
import {
  type ApolloOptions,
  acceptsGraphQLResponse,
  createApolloServer,
  GRAPHQL_RESPONSE,
} from './apollo';
import { createFastPath, type FastPath } from './fast-path';

export interface GraphQLRouteOptions extends ApolloOptions {
  readonly authentication: Authentication;
  readonly bodyReader: BodyReader;
  readonly quotas: Quotas;
  readonly trustedProxies: number;
  readonly limits: HttpLimits;
  readonly observer: Observer;
  readonly cors: CorsPolicy;
}

export interface GraphQLRoute {
  readonly route: Route;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createGraphQLRoute(options: GraphQLRouteOptions): GraphQLRoute {
  const { observer, cors } = options;
  const apollo = createApolloServer(options);
  const handler = new RequestHandler(options, apollo);

  const handle: Handler = async (routed) => {
    const startedAt = performance.now();
    const response = await handler.respond(routed);
    const corsHeaders = cors.headersFor(routed.request);
    sendResponse(routed.request, routed.response, {
      ...response,
      headers: { ...response.headers, ...corsHeaders },
    });
    observer.operation('http', getOutcome(response));
    observer.graphqlResponse(performance.now() - startedAt);
  };

  const preflight: Handler = ({ request, response }) =>
    sendResponse(request, response, {
      status: 204,
      headers: cors.preflightFor(request),
      body: '',
    });

  return {
    route: { path: '/graphql', methods: { GET: handle, POST: handle, OPTIONS: preflight } },
    start: () => apollo.start(),
    stop: () => apollo.stop(),
  };
}

/** Authenticates a request, reads its parameters and executes the operation. */
class RequestHandler {
  readonly #options: GraphQLRouteOptions;
  readonly #apollo: ApolloServer<object>;
  readonly #fastPath: FastPath;

  constructor(options: GraphQLRouteOptions, apollo: ApolloServer<object>) {
    this.#options = options;
    this.#apollo = apollo;
    this.#fastPath = createFastPath(options.graphql);
  }

  /** Never rejects: errors are responses in the GraphQL format. */
  async respond({ request, search }: RoutedRequest): Promise<HttpResponse> {
    const { graphql, authentication, quotas, trustedProxies } = this.#options;
    let release: Release | undefined;
    try {
      const address = clientAddress(request, trustedProxies);
      const { authorization } = request.headers;
      const principal = await authentication.authenticate(authorization, address, 'http');
      release = quotas.acquireOperation(principal, address);
      const body = await this.#readParameters(request, address);
      const response =
        (await this.#fastPath.execute(principal, request, body)) ??
        (await this.#execute(principal, {
          method: toApolloMethod(request),
          headers: toApolloHeaders(request),
          search: normalizeSearch(search, graphql.trusted),
          body,
        }));
      this.#fastPath.learn(request, response);
      return response;
    } catch (error) {
      const body = JSON.stringify({ errors: [graphql.formatError(error)] });
      const { status, headers } = error instanceof GatewayError ? toStatus(error) : INTERNAL_ERROR;
      return { status, headers: { ...headers, 'content-type': getErrorType(request) }, body };
    } finally {
      release?.();
    }
  }

  async #readParameters(request: IncomingMessage, address: string): Promise<unknown> {
    if (request.method !== 'POST') return undefined;
    const { graphql, bodyReader, limits } = this.#options;
    if (isCompressed(request)) {
      throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'The body must not be compressed.');
    }
    const bytes = await bodyReader.read(request, address, limits.maxOperationBytes);
    const body = parseBody(request, bytes);
    return isJsonObject(body) ? normalizeParameters(body, graphql.trusted) : body;
  }

  async #execute(
    principal: Principal,
    httpGraphQLRequest: HTTPGraphQLRequest,
  ): Promise<HttpResponse> {
    const operation = await this.#options.graphql.openContext(principal, 'REQUEST');
    try {
      const { status, headers, body } = await this.#apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest,
        context: async () => operation.context,
      });
      return {
        status: status ?? 200,
        headers: Object.fromEntries(headers),
        body: await readBody(body),
      };
    } finally {
      await operation.release();
    }
  }
}

const INTERNAL_ERROR: Omit<HttpResponse, 'body'> = { status: 500 };

/**
 * Returns `OK`, or the code of the first error. Responses start with their errors, and quotation marks in strings are escaped,
 * so the match is a field of the error itself.
 */
function getOutcome({ body }: HttpResponse): string {
  if (!body.startsWith('{"errors":')) return 'OK';
  const [, code = ''] = /"code":"(\w+)"/.exec(body) ?? [];
  return code;
}

/** Joins chunked bodies, which only later versions of the GraphQL library produce. */
async function readBody(body: HTTPGraphQLResponse['body']): Promise<string> {
  if (body.kind === 'complete') return body.string;
  let text = '';
  for await (const chunk of body.asyncIterator) text += chunk;
  return text;
}

/** Clients read the errors of a 4xx or 5xx only with this type: with `application/json` the response may come from a proxy. */
function getErrorType({ headers }: IncomingMessage): string {
  const type = acceptsGraphQLResponse(headers.accept) ? GRAPHQL_RESPONSE : 'application/json';
  return `${type}; charset=utf-8`;
}

/** Returns undefined if the content type is not JSON: Apollo Server reports the error. */
function parseBody(request: IncomingMessage, bytes: Buffer): unknown {
  const [type, ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  if (type?.trim() !== 'application/json') return undefined;
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  if (charset !== undefined && !/=\s*"?utf-?8"?\s*$/.test(charset)) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'The body must be in UTF-8.');
  }
  const text = bytes.toString('utf8');
  if (isTooDeep(text)) {
    const message = `The body must be nested at most ${MAX_JSON_DEPTH} levels deep.`;
    throw new GatewayError('BODY_UNREADABLE', message);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new GatewayError('BODY_UNREADABLE', 'The body must be valid JSON.');
  }
}

function toApolloHeaders({ headers }: IncomingMessage): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}

/** Apollo Server does not support HEAD, which is GET without a response body. */
function toApolloMethod({ method = 'GET' }: IncomingMessage): string {
  return method === 'HEAD' ? 'GET' : method;
}
