/** The way to a vendor's API, over real HTTP. */

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

function lineTo(limits: Partial<ProviderClientLimits> = {}) {
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
  ['a fault of the vendor’s', respond(503)],
  ['being asked too often', respond(429)],
  ['being told to wait', respond(429, { 'retry-after': '0' })],
  ['silence', neverRespond],
])('asks again after %s', async (_, fault) => {
  apis.faults.push(fault, fault);
  const line = lineTo(fault === neverRespond ? { timeoutMs: 1_000 } : {});
  expect(await line.ask(USER, signal)).toMatchObject({ subpath: '/v1/kyc/status/user-1' });
  expect(apis.requestedPaths).toHaveLength(3);
  expect(states).toEqual([]);
});

it('gives up after the last try', async () => {
  apis.setFault(respond(500));
  await expect(lineTo().ask(USER, signal)).rejects.toMatchObject({ fault: 'UNAVAILABLE' });
  expect(apis.requestedPaths).toHaveLength(3);
});

it.each([401, 403, 422, 301])(
  'does not repeat a question that is refused with %s',
  async (status) => {
    apis.setFault(respond(status));
    await expect(lineTo().ask(USER, signal)).rejects.toMatchObject({ fault: 'REFUSED' });
    expect(apis.requestedPaths).toHaveLength(1);
  },
);

it('leaves a vendor alone that fails in a row, and comes back', async () => {
  const line = lineTo({ maxFailures: 3, restMs: 60_000 });
  apis.setFault(respond(500));
  await expect(line.ask(USER, signal)).rejects.toThrow(ProviderApiError);
  await expect(line.ask(USER, signal)).rejects.toThrow(CircuitOpenError);
  expect([apis.requestedPaths.length, states]).toEqual([3, [false]]);
  apis.setFault(null);
  const rested = Date.now() + 60_000;
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => rested);
  disposal.defer(() => clock.mockRestore());
  expect(await line.ask(USER, signal)).toMatchObject({ subpath: '/v1/kyc/status/user-1' });
  expect(states).toEqual([false, true]);
});

it('leaves a vendor alone for as long as it asks for', async () => {
  const line = lineTo({ maxWaitMs: 500 });
  apis.faults.push(respond(429, { 'retry-after': '1' }));
  const startedAt = performance.now();
  await expect(line.ask(USER, signal)).rejects.toMatchObject({ fault: 'RATE_LIMITED' });
  const refusals: unknown[] = [];
  await until(() =>
    line.ask(USER, signal).then(Boolean, (error) => {
      refusals.push(error);
      return false;
    }),
  );
  expect(performance.now() - startedAt).toBeGreaterThan(990);
  for (const refusal of refusals) expect(refusal).toBeInstanceOf(CircuitOpenError);
  expect([apis.requestedPaths.length, states]).toEqual([2, [false, true]]);
});

it('asks no more at once than agreed', async () => {
  const line = lineTo({ maxInFlight: 2 });
  await Promise.all(Array.from({ length: 20 }, () => line.ask(USER, signal)));
  expect(apis.getMaxConcurrency()).toBeLessThanOrEqual(2);
  expect(apis.requestedPaths).toHaveLength(20);
});

it('gives a question up when it is told to stop, which is no fault of the vendor’s', async () => {
  const stopping = new AbortController();
  apis.setFault(neverRespond);
  const asking = lineTo({ timeoutMs: 60_000, maxFailures: 1 }).ask(USER, stopping.signal);
  await until(() => apis.requestedPaths.length === 1);
  stopping.abort();
  await expect(asking).rejects.toMatchObject({ name: 'AbortError' });
  expect(states).toEqual([]);
});
