/** Apollo Server for GraphQL over HTTP, with the rules that differ from its defaults as plugins. */

import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError, parse } from 'graphql';
import type { Logger } from 'pino';
import { StoreUnavailableError } from '../../domain/errors';
import type { GraphQLService } from '../../graphql/service';
import { toStatus } from '../io/problem';

export interface ApolloOptions {
  readonly graphql: GraphQLService;
  readonly log: Logger;
}

/**
 * Headers that a page of another site cannot add without a preflight. They include `authorization`, the only source of
 * credentials, so GET requests work as clients send them by default.
 */
const PREFLIGHTED_HEADERS = [
  'authorization',
  'apollo-require-preflight',
  'x-apollo-operation-name',
];

export function createApolloServer({ graphql, log }: ApolloOptions): ApolloServer<object> {
  return new ApolloServer<object>({
    schema: graphql.schema,
    formatError: (_, error) => graphql.formatError(error),
    logger: {
      debug: (message) => log.debug(message),
      info: (message) => log.debug(message),
      warn: (message) => log.warn(message),
      error: (message) => log.error(message),
    },
    introspection: true, // decided by `prepare`
    csrfPrevention: { requestHeaders: PREFLIGHTED_HEADERS },
    persistedQueries: false,
    documentStore: null,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      prepareDocuments(graphql),
      rejectSubscriptions,
      supportLegacyClients,
      reportUnavailableStore,
    ],
  });
}

/** Placeholder for a rejected document. Never executed. */
const REJECTED = parse('{ __typename }');

/** Parses and validates documents by the rules for all transports, in place of Apollo Server. */
function prepareDocuments(graphql: GraphQLService): ApolloServerPlugin<object> {
  return {
    async requestDidStart() {
      let errors: readonly GraphQLError[] | undefined;
      return {
        async didResolveSource(context) {
          const { operationName = null, variables = {} } = context.request;
          const prepared = graphql.prepare({ query: context.source, operationName, variables });
          if ('errors' in prepared) errors = prepared.errors;
          const { document } = 'errors' in prepared ? { document: REJECTED } : prepared;
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

/** Apollo Server would execute a subscription like a query. */
const rejectSubscriptions: ApolloServerPlugin<object> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (operation?.operation !== 'subscription') return;
        throw new GraphQLError(
          'Subscriptions require a WebSocket with the protocol `graphql-transport-ws`.',
          {
            extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
          },
        );
      },
    };
  },
};

/**
 * Responds 200 instead of 400 to a well-formed request with an invalid document or variables, if the client accepts only
 * `application/json`. By the GraphQL over HTTP specification, such a client attributes a 4xx to an intermediary.
 */
const supportLegacyClients: ApolloServerPlugin<object> = {
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

/** Responds 503 if there is no data because the database is unavailable, so that clients retry. */
const reportUnavailableStore: ApolloServerPlugin<object> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { http, body } }) {
        if (body.kind !== 'single' || body.singleResult.data) return;
        const error = new StoreUnavailableError();
        const unavailable = body.singleResult.errors?.some(
          ({ extensions }) => extensions?.code === error.code,
        );
        if (unavailable) http.status = toStatus(error).status;
      },
    };
  },
};

export const GRAPHQL_RESPONSE = 'application/graphql-response+json';

/** Whether the client reads GraphQL errors from a response with any status. */
export function acceptsGraphQLResponse(accept = ''): boolean {
  return accept.toLowerCase().includes(GRAPHQL_RESPONSE);
}
