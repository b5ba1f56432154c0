/** `GET` and `POST /graphql`: GraphQL over HTTP by Apollo Server, for callers with valid credentials. */

import type { IncomingMessage } from 'node:http';
import {
  ApolloServer,
  type ApolloServerPlugin,
  HeaderMap,
  type HTTPGraphQLResponse,
} from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import type { Authenticator } from '../access/authenticator';
import type { Principal } from '../access/principal';
import { GatewayError, StoreUnavailableError } from '../domain/errors';
import { readBody } from './body';
import type { GraphQLService } from './graphql-service';
import type { HttpLimits } from './limits';
import { statusOf } from './problem';
import { type Reply, sendReply } from './reply';
import type { Handler, Route } from './router';
import { createShortcut } from './shortcut';

export interface GraphQLRouteOptions {
  readonly graphql: GraphQLService;
  readonly authenticator: Authenticator;
  readonly limits: HttpLimits;
  readonly log: Logger;
}

export interface GraphQLRoute {
  readonly route: Route;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createGraphQLRoute(options: GraphQLRouteOptions): GraphQLRoute {
  const { graphql, authenticator, limits } = options;
  const apollo = createApollo(options);
  const shortcut = createShortcut(graphql);

  const handle: Handler = async ({ request, response, search }) => {
    try {
      const principal = await authenticator.authenticate(request.headers.authorization);
      const body = request.method === 'POST' ? await readJson(request, limits) : undefined;
      const reply =
        (await shortcut.take(principal, request, body)) ??
        (await execute(apollo, graphql, principal, request, search, body));
      shortcut.learn(request, reply);
      sendReply(request, response, reply);
    } catch (error) {
      const body = JSON.stringify({ errors: [graphql.formatError(error)] }); // the form that GraphQL clients read
      const named = error instanceof GatewayError ? statusOf(error) : { status: 500 };
      sendReply(request, response, { ...named, body });
    }
  };

  return {
    route: { path: '/graphql', methods: { GET: handle, POST: handle } },
    start: () => apollo.start(),
    stop: () => apollo.stop(),
  };
}

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
    introspection: true,
    csrfPrevention: true,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      refuseSubscriptions,
      answerLegacyClients,
      sayThatTheStoreIsAway,
    ],
  });
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
        const accept = request.http?.headers.get('accept') ?? '';
        const legacy = !accept.includes('application/graphql-response+json');
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
        if (away) http.status = statusOf(error).status;
      },
    };
  },
};

async function execute(
  apollo: ApolloServer<object>,
  graphql: GraphQLService,
  principal: Principal,
  request: IncomingMessage,
  search: string,
  sent: unknown,
): Promise<Reply> {
  const operation = await graphql.contextFor(principal, 'REQUEST');
  try {
    const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: methodOf(request),
        headers: headersOf(request),
        search,
        body: sent,
      },
      context: async () => operation.context,
    });
    return {
      status: status ?? 200,
      headers: Object.fromEntries(headers),
      body: await textOf(body),
    };
  } finally {
    await operation.done();
  }
}

/** Answers in parts exist with later versions of the GraphQL library alone; joined, they are what was asked for. */
async function textOf(body: HTTPGraphQLResponse['body']): Promise<string> {
  if (body.kind === 'complete') return body.string;
  let text = '';
  for await (const part of body.asyncIterator) text += part;
  return text;
}

/** `undefined` if the body does not claim to be JSON: Apollo says what is wrong with that. */
async function readJson(request: IncomingMessage, limits: HttpLimits): Promise<unknown> {
  const bytes = await readBody(request, limits);
  const [type, ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  if (type?.trim() !== 'application/json') return undefined;
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  if (charset !== undefined && !/=\s*"?utf-?8"?\s*$/.test(charset)) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'expected the body to be in UTF-8');
  }
  try {
    return JSON.parse(bytes.toString('utf8'));
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
