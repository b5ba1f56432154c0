/** The client of a provider's API, over real HTTP. */

import { ProviderApiError } from '../../../src/domain/errors';
import {
  CircuitOpenError,
  createProviderClient,
  PROVIDER_CLIENT_LIMITS,
  type ProviderClientLimits,
} from '../../../src/jobs/reconcile/provider-client';
import { requestApi } from '../../../src/providers/kit/http-client';
import { createDisposal } from '../../support/disposal';
import {
  neverRespond,
  P100_KEY,
  type ProviderApiServer,
  respond,
  startProviderApis,
} from '../../support/provider-apis';
import { until } from '../../support/until';

const disposal = createDisposal();
const signal = new AbortController().signal;
const USER = { subjectRef: 'user-1', sandbox: false };
let apis: ProviderApiServer;
let states: boolean[];

beforeEach(async () => {
  apis = await startProviderApis(disposal);
  apis.p100.set('user-1', { verificationStatus: 'VERIFIED' });
  states = [];
});

function createClient(limits: Partial<ProviderClientLimits> = {}) {
  return createProviderClient({
    clock: () => new Date(),
    onState: (up) => states.push(up),
    limits: { ...PROVIDER_CLIENT_LIMITS, maxPerSecond: 999, backoffMs: 1, ...limits },
    async fetchStatus({ subjectRef }, { signal: limited }) {
      const path = `/v1/kyc/status/${subjectRef}`;
      const headers = { 'x-api-key': P100_KEY };
      const rawBody = await requestApi({ origin: apis.origin, path, headers, signal: limited });
      return rawBody && { subpath: path, rawBody };
    },
  });
}

it.each([
  ['a server error', respond(503)],
  ['a rate limit', respond(429)],
  ['a requested pause', respond(429, { 'retry-after': '0' })],
  ['a timeout', neverRespond],
])('retries after %s', async (_, fault) => {
  apis.faults.push(fault, fault);
  const client = createClient(fault === neverRespond ? { timeoutMs: 1_000 } : {});
  expect(await client.fetch(USER, signal)).toMatchObject({ subpath: '/v1/kyc/status/user-1' });
  expect(apis.requestedPaths).toHaveLength(3);
  expect(states).toEqual([]);
});

it('gives up after the last attempt', async () => {
  apis.setFault(respond(500));
  await expect(createClient().fetch(USER, signal)).rejects.toMatchObject({ fault: 'UNAVAILABLE' });
  expect(apis.requestedPaths).toHaveLength(3);
});

it.each([401, 403, 422, 301])(
  'does not retry a request that is rejected with %s',
  async (status) => {
    apis.setFault(respond(status));
    await expect(createClient().fetch(USER, signal)).rejects.toMatchObject({ fault: 'REFUSED' });
    expect(apis.requestedPaths).toHaveLength(1);
  },
);

it('opens the circuit after consecutive failures, and closes it after a success', async () => {
  const client = createClient({ maxFailures: 3, restMs: 60_000 });
  apis.setFault(respond(500));
  await expect(client.fetch(USER, signal)).rejects.toThrow(ProviderApiError);
  await expect(client.fetch(USER, signal)).rejects.toThrow(CircuitOpenError);
  expect([apis.requestedPaths.length, states]).toEqual([3, [false]]);
  apis.setFault(null);
  const later = Date.now() + 60_000;
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => later);
  disposal.defer(() => clock.mockRestore());
  expect(await client.fetch(USER, signal)).toMatchObject({ subpath: '/v1/kyc/status/user-1' });
  expect(states).toEqual([false, true]);
});

it('opens the circuit for the pause that the provider requests', async () => {
  const client = createClient({ maxWaitMs: 500 });
  apis.faults.push(respond(429, { 'retry-after': '1' }));
  const startedAt = performance.now();
  await expect(client.fetch(USER, signal)).rejects.toMatchObject({ fault: 'RATE_LIMITED' });
  const refusals: unknown[] = [];
  await until(() =>
    client.fetch(USER, signal).then(Boolean, (error) => {
      refusals.push(error);
      return false;
    }),
  );
  expect(performance.now() - startedAt).toBeGreaterThan(990);
  for (const refusal of refusals) expect(refusal).toBeInstanceOf(CircuitOpenError);
  expect([apis.requestedPaths.length, states]).toEqual([2, [false, true]]);
});

it('limits concurrent requests', async () => {
  const client = createClient({ maxInFlight: 2 });
  await Promise.all(Array.from({ length: 20 }, () => client.fetch(USER, signal)));
  expect(apis.getMaxConcurrency()).toBeLessThanOrEqual(2);
  expect(apis.requestedPaths).toHaveLength(20);
});

it('aborts a request without counting it as a failure of the provider', async () => {
  const stopping = new AbortController();
  apis.setFault(neverRespond);
  const pending = createClient({ timeoutMs: 60_000, maxFailures: 1 }).fetch(USER, stopping.signal);
  await until(() => apis.requestedPaths.length === 1);
  stopping.abort();
  await expect(pending).rejects.toMatchObject({ name: 'AbortError' });
  expect(states).toEqual([]);
});
