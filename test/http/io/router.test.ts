import { GatewayError } from '../../../src/domain/errors';
import { findRoute, MethodNotAllowedError, type Route } from '../../../src/http/io/router';

const handler = () => {};
const exact: Route = { path: '/graphql', methods: { GET: handler, POST: handler } };
const below: Route = { path: '/webhooks/*', methods: { POST: handler } };
const routes = [exact, below];

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('findRoute', () => {
  it('matches method and path, and returns the query', () => {
    expect(findRoute(routes, 'GET', '/graphql?query=1?2')).toMatchObject({
      route: exact,
      rest: '',
      search: '?query=1?2',
    });
  });

  it('returns the subpath percent-encoded', () => {
    const match = findRoute(routes, 'POST', '/webhooks/p100/a%2Fb/c');
    expect(match).toMatchObject({ route: below, rest: 'p100/a%2Fb/c', search: '' });
  });

  it('matches HEAD if there is a handler for GET', () => {
    expect(findRoute(routes, 'HEAD', '/graphql').route).toBe(exact);
  });

  it.each(['/', '/graphq', '/graphql/', '/webhooks', '/healthz', ''])(
    'does not match %p',
    (path) => {
      const error = failureOf(() => findRoute(routes, 'GET', path));
      expect(error).toBeInstanceOf(GatewayError);
      expect(error).toMatchObject({ code: 'NOT_FOUND' });
    },
  );

  it('reports the supported methods', () => {
    const onGraphql = failureOf(() => findRoute(routes, 'DELETE', '/graphql'));
    expect(onGraphql).toBeInstanceOf(MethodNotAllowedError);
    expect(onGraphql).toMatchObject({ allowed: 'GET, HEAD, POST' });
    expect(failureOf(() => findRoute(routes, 'GET', '/webhooks/p100'))).toMatchObject({
      allowed: 'POST',
    });
  });

  it('does not treat names of object properties as methods', () => {
    expect(failureOf(() => findRoute(routes, 'constructor', '/graphql'))).toBeInstanceOf(
      MethodNotAllowedError,
    );
  });
});
