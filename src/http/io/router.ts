/** Maps the method and target of a request to a handler. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../../domain/errors';

export interface RoutedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Part of the path below the route, percent-encoded, without a leading slash. */
  readonly rest: string;
  /** Query, including `?`. Empty if absent. */
  readonly search: string;
}

export type Handler = (routed: RoutedRequest) => Promise<void> | void;

export interface Route {
  /** Exact path (`/graphql`), or a prefix (`/webhooks/*`). */
  readonly path: string;
  /** By method. `GET` also handles `HEAD`. */
  readonly methods: Readonly<Record<string, Handler>>;
}

export interface Match extends Omit<RoutedRequest, 'request' | 'response'> {
  readonly route: Route;
  readonly handler: Handler;
}

export class MethodNotAllowedError extends GatewayError {
  /** @param allowed - Value of the `Allow` header. */
  constructor(readonly allowed: string) {
    super('METHOD_NOT_ALLOWED', `This resource supports only the methods ${allowed}.`);
  }
}

export class RouteNotFoundError extends GatewayError {
  constructor() {
    super('NOT_FOUND', 'No resource exists at this path.');
  }
}

/**
 * @throws {RouteNotFoundError} If no route matches the path.
 * @throws {MethodNotAllowedError} If the route has no handler for the method.
 */
export function findRoute(routes: readonly Route[], method: string, target: string): Match {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  const search = query < 0 ? '' : target.slice(query);
  for (const route of routes) {
    const rest = matchPath(route.path, path);
    if (rest === undefined) continue;
    const handler = findHandler(route, method);
    if (handler === undefined) throw new MethodNotAllowedError(listMethods(route));
    return { route, handler, rest, search };
  }
  throw new RouteNotFoundError();
}

function findHandler({ methods }: Route, method: string): Handler | undefined {
  const name = method === 'HEAD' ? 'GET' : method;
  return Object.hasOwn(methods, name) ? methods[name] : undefined;
}

function matchPath(pattern: string, path: string): string | undefined {
  if (!pattern.endsWith('/*')) return path === pattern ? '' : undefined;
  const prefix = pattern.slice(0, -1);
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

function listMethods({ methods }: Route): string {
  return Object.keys(methods)
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ');
}

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Rewrites a target in absolute form, `POST http://host/path`, to `POST /path` with `Host: host`. A server must accept both
 * forms; the host of the target replaces the header. Leaves other targets unchanged.
 *
 * @see RFC 9112, section 3.2.2
 */
export function toOriginForm(request: IncomingMessage): void {
  const [, host, rest] = ABSOLUTE_FORM.exec(request.url ?? '') ?? [];
  if (host === undefined || rest === undefined) return;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = host;
}
