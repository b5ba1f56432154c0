/** Method and path to handler. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../../domain/errors';

export interface RoutedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What follows the path of the route, without a leading slash, still percent-encoded. */
  readonly rest: string;
  /** The query with its `?`; `''` if there is none. */
  readonly search: string;
}

export type Handler = (routed: RoutedRequest) => Promise<void> | void;

export interface Route {
  /** `/graphql` for this path alone, `/webhooks/*` for all below it. */
  readonly path: string;
  /** `GET` answers `HEAD` too. */
  readonly methods: Readonly<Record<string, Handler>>;
}

export interface Match extends Omit<RoutedRequest, 'request' | 'response'> {
  readonly route: Route;
  readonly handler: Handler;
}

/** The path is not among the routes, or not with this method. */
export class MethodNotAllowedError extends GatewayError {
  /** @param allowed - Value of the `Allow` header. */
  constructor(readonly allowed: string) {
    super('METHOD_NOT_ALLOWED', `expected one of the methods ${allowed}`);
  }
}

export class RouteNotFoundError extends GatewayError {
  constructor() {
    super('NOT_FOUND', 'there is nothing under this path');
  }
}

/** @throws {GatewayError} NOT_FOUND; {MethodNotAllowedError}. */
export function findRoute(routes: readonly Route[], method: string, target: string): Match {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  const search = query < 0 ? '' : target.slice(query);
  for (const route of routes) {
    const rest = restOf(route.path, path);
    if (rest === undefined) continue;
    const handler = handlerOf(route, method);
    if (handler === undefined) throw new MethodNotAllowedError(allowedBy(route));
    return { route, handler, rest, search };
  }
  throw new RouteNotFoundError();
}

function handlerOf({ methods }: Route, method: string): Handler | undefined {
  const name = method === 'HEAD' ? 'GET' : method;
  return Object.hasOwn(methods, name) ? methods[name] : undefined;
}

function restOf(pattern: string, path: string): string | undefined {
  if (!pattern.endsWith('/*')) return path === pattern ? '' : undefined;
  const prefix = pattern.slice(0, -1);
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

function allowedBy({ methods }: Route): string {
  return Object.keys(methods)
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ');
}
