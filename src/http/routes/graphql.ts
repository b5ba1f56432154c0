/** `GET` and `POST /graphql`: GraphQL over HTTP by Apollo Server, for callers with valid credentials. */

import type { IncomingMessage } from 'node:http';
import {
  ApolloServer,
  type ApolloServerPlugin,
  HeaderMap,
  type HTTPGraphQLRequest,
  type HTTPGraphQLResponse,
} from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError, parse } from 'graphql';
import type { Logger } from 'pino';
import type { Principal } from '../../access/principal';
import { GatewayError, StoreUnavailableError } from '../../domain/errors';
import type { GraphQLService } from '../../graphql/service';
import type { Bodies } from '../io/body';
import { clientAddress } from '../io/client-address';
import { isCompressed } from '../io/content-encoding';
import { withoutEmptyName, withoutEmptyParameters } from '../io/empty-parameters';
import { isTooDeep, MAX_JSON_DEPTH } from '../io/json-depth';
import { isJsonObject } from '../io/json-object';
import { resolveDocument, resolveDocumentSearch } from '../io/persisted-query';
import { toStatus } from '../io/problem';
import { type HttpResponse, sendResponse } from '../io/response';
import type { Handler, Route, RoutedRequest } from '../io/router';
import type { Authentication } from '../limits/authentication';
import type { Release } from '../limits/concurrency-limiter';
import type { CorsPolicy } from '../limits/cors';
import type { HttpLimits } from '../limits/limits';
import type { Quotas } from '../limits/quotas';
import type { Observer } from '../observer';
import { createFastPath } from './fast-path';

export interface GraphQLRouteOptions {
  readonly graphql: GraphQLService;
  readonly authentication: Authentication;
  readonly bodies: Bodies;
  readonly quotas: Quotas;
  readonly trustedProxies: number;
  readonly limits: HttpLimits;
  readonly log: Logger;
  readonly observer: Observer;
  readonly origins: CorsPolicy;
}

export interface GraphQLRoute {
  readonly route: Route;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createGraphQLRoute(options: GraphQLRouteOptions): GraphQLRoute {
  const { graphql, authentication, quotas, trustedProxies, bodies, limits, observer, origins } =
    options;
  const apollo = createApollo(options);
  const shortcut = createFastPath(graphql);

  async function receive(request: IncomingMessage, address: string): Promise<unknown> {
    if (isCompressed(request)) {
      throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'expected a body without compression');
    }
    return readJson(request, await bodies.read(request, address, limits.maxOperationBytes));
  }

  async function answer({ request, search }: RoutedRequest): Promise<HttpResponse> {
    let leave: Release | undefined;
    try {
      const address = clientAddress(request, trustedProxies);
      const { authorization } = request.headers;
      const principal = await authentication.authenticate(authorization, address, 'http');
      leave = quotas.begin(principal, address);
      const sent = request.method === 'POST' ? await receive(request, address) : undefined;
      const body = isJsonObject(sent)
        ? resolveDocument(withoutEmptyName(sent), graphql.trusted)
        : sent;
      const reply =
        (await shortcut.take(principal, request, body)) ??
        (await execute(principal, {
          method: methodOf(request),
          headers: headersOf(request),
          search: resolveDocumentSearch(withoutEmptyParameters(search), graphql.trusted),
          body,
        }));
      shortcut.learn(request, reply);
      return reply;
    } catch (error) {
      const body = JSON.stringify({ errors: [graphql.formatError(error)] }); // the form that GraphQL clients read
      const { status, headers } = error instanceof GatewayError ? toStatus(error) : FAILED;
      return { status, headers: { ...headers, 'content-type': errorTypeFor(request) }, body };
    } finally {
      leave?.();
    }
  }

  async function execute(
    principal: Principal,
    httpGraphQLRequest: HTTPGraphQLRequest,
  ): Promise<HttpResponse> {
    const operation = await graphql.openContext(principal, 'REQUEST');
    try {
      const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest,
        context: async () => operation.context,
      });
      return {
        status: status ?? 200,
        headers: Object.fromEntries(headers),
        body: await textOf(body),
      };
    } finally {
      await operation.release();
    }
  }

  const handle: Handler = async (routed) => {
    const startedAt = performance.now();
    const reply = await answer(routed);
    const cors = origins.headersFor(routed.request);
    sendResponse(routed.request, routed.response, {
      ...reply,
      headers: { ...reply.headers, ...cors },
    });
    observer.operation('http', outcomeOf(reply));
    observer.graphqlResponse(performance.now() - startedAt);
  };

  const preflight: Handler = ({ request, response }) =>
    sendResponse(request, response, {
      status: 204,
      headers: origins.preflightFor(request),
      body: '',
    });

  return {
    route: { path: '/graphql', methods: { GET: handle, POST: handle, OPTIONS: preflight } },
    start: () => apollo.start(),
    stop: () => apollo.stop(),
  };
}

/**
 * Headers that a page of another site cannot add without a preflight. `authorization` is one of them, and `/graphql` takes
 * credentials from nowhere else, so GET works as clients send it by default.
 */
const UNFORGEABLE = ['authorization', 'apollo-require-preflight', 'x-apollo-operation-name'];

const FAILED: Omit<HttpResponse, 'body'> = { status: 500 };

function createApollo({ graphql, log }: GraphQLRouteOptions): ApolloServer<object> {
  return new ApolloServer<object>({
    schema: graphql.schema,
    formatError: (_, error) => graphql.formatError(error),
    logger: {
      debug: (message) => log.debug(message),
      info: (message) => log.debug(message),
      warn: (message) => log.warn(message),
      error: (message) => log.error(message),
    },
    introspection: true, // it is `admit` that says
    csrfPrevention: { requestHeaders: UNFORGEABLE },
    persistedQueries: false,
    documentStore: null,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      admitDocuments(graphql),
      refuseSubscriptions,
      answerLegacyClients,
      sayThatTheStoreIsAway,
    ],
  });
}

/** Never read: it stands for a document that was refused. */
const REFUSED = parse('{ __typename }');

/** Hands Apollo Server the document as it was read for all transports; it reads none by itself. */
function admitDocuments(graphql: GraphQLService): ApolloServerPlugin<object> {
  return {
    async requestDidStart() {
      let errors: readonly GraphQLError[] | undefined;
      return {
        async didResolveSource(context) {
          const { operationName = null, variables = {} } = context.request;
          const read = graphql.prepare({ query: context.source, operationName, variables });
          if ('errors' in read) errors = read.errors;
          const { document } = 'errors' in read ? { document: REFUSED } : read;
          Object.assign(context, { document });
        },
        async responseForOperation() {
          if (errors === undefined) return null;
          const singleResult = { errors: errors.map(graphql.formatError) };
          return {
            http: { status: 400, headers: new HeaderMap() },
            body: { kind: 'single', singleResult },
          };
        },
      };
    },
  };
}

/** Apollo Server would execute one as if it were a query. */
const refuseSubscriptions: ApolloServerPlugin<object> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (operation?.operation !== 'subscription') return;
        throw new GraphQLError('expected a query or a mutation: subscriptions go over WebSocket', {
          extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
        });
      },
    };
  },
};

/**
 * GraphQL over HTTP: a client that accepts only `application/json` reads a 4xx as if it came from something in between,
 * so a well-formed request whose document or variables are at fault is answered 200 with its errors.
 */
const answerLegacyClients: ApolloServerPlugin<object> = {
  async requestDidStart() {
    return {
      async willSendResponse({ request, response, source }) {
        const legacy = !acceptsGraphQLResponse(request.http?.headers.get('accept'));
        if (legacy && source !== undefined && response.http.status === 400) {
          response.http.status = 200;
        }
      },
    };
  },
};

/** Where nothing could be answered because the store is away, the status says so too: the same request may succeed later. */
const sayThatTheStoreIsAway: ApolloServerPlugin<object> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { http, body } }) {
        if (body.kind !== 'single' || body.singleResult.data) return;
        const error = new StoreUnavailableError();
        const away = body.singleResult.errors?.some(
          ({ extensions }) => extensions?.code === error.code,
        );
        if (away) http.status = toStatus(error).status;
      },
    };
  },
};

/**
 * `OK`, or the code of the first error. Errors come first in a response, and a quotation mark within a text is escaped, so
 * that what this finds is a field of the error itself.
 */
function outcomeOf({ body }: HttpResponse): string {
  if (!body.startsWith('{"errors":')) return 'OK';
  const [, code = ''] = /"code":"(\w+)"/.exec(body) ?? [];
  return code;
}

/** Answers in parts exist with later versions of the GraphQL library alone; joined, they are what was asked for. */
async function textOf(body: HTTPGraphQLResponse['body']): Promise<string> {
  if (body.kind === 'complete') return body.string;
  let text = '';
  for await (const part of body.asyncIterator) text += part;
  return text;
}

const GRAPHQL_RESPONSE = 'application/graphql-response+json';

/** Whether the client reads a GraphQL response under any status. */
function acceptsGraphQLResponse(accept = ''): boolean {
  return accept.toLowerCase().includes(GRAPHQL_RESPONSE);
}

/** Clients read the errors of a 4xx or 5xx only under this type: under `application/json` it may come from a proxy. */
function errorTypeFor({ headers }: IncomingMessage): string {
  const type = acceptsGraphQLResponse(headers.accept) ? GRAPHQL_RESPONSE : 'application/json';
  return `${type}; charset=utf-8`;
}

/** `undefined` if the body does not claim to be JSON: Apollo says what is wrong with that. */
function readJson(request: IncomingMessage, bytes: Buffer): unknown {
  const [type, ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  if (type?.trim() !== 'application/json') return undefined;
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  if (charset !== undefined && !/=\s*"?utf-?8"?\s*$/.test(charset)) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'expected the body to be in UTF-8');
  }
  const text = bytes.toString('utf8');
  if (isTooDeep(text)) {
    const expected = `expected the body to be nested at most ${MAX_JSON_DEPTH} levels deep`;
    throw new GatewayError('BODY_UNREADABLE', expected);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new GatewayError('BODY_UNREADABLE', 'expected the body to be JSON');
  }
}

function headersOf({ headers }: IncomingMessage): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}

/** To Apollo, HEAD is a method it does not know; to everybody else it is GET without a body. */
function methodOf({ method = 'GET' }: IncomingMessage): string {
  return method === 'HEAD' ? 'GET' : method;
}
