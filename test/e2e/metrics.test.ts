/** Metrics of a gateway, and access to them. */

import { createDisposal } from '../support/disposal';
import { connectClient } from '../support/raw-ws';
import { until } from '../support/until';
import { API_KEY, SECRETS, startGateway, type TestGateway, tokenFor } from './support/gateway';
import { APPROVALS, about, GREEN } from './support/messages';
import { fetchMetrics, readMetrics } from './support/metrics';
import { askOverSocket } from './support/query-over-socket';

const disposal = createDisposal();

/** The series of this metric that are not zero, by their labels. */
async function countsOf(gateway: TestGateway, metric: string): Promise<Record<string, number>> {
  const series = [...(await readMetrics(gateway))];
  const own = series.filter(([name, value]) => name.startsWith(`${metric}{`) && value !== 0);
  return Object.fromEntries(
    own.map(([name, value]) => [
      [...name.matchAll(/"(\w[\w-]*)"/g)].map(([, v]) => v).join(' '),
      value,
    ]),
  );
}

describe('webhooks', () => {
  it('are counted by provider and disposition', async () => {
    const gateway = await startGateway(disposal);
    await gateway.post('sumsub', APPROVALS.sumsub);
    await gateway.post('sumsub', APPROVALS.sumsub);
    await gateway.post('sumsub', about('bob', 'applicantCreated', 1));
    await gateway.post('sumsub', about('bob', 'applicantReviewed', 2, { reviewStatus: 'odd' }));
    await gateway.post('p100', APPROVALS.p100);
    await gateway.post('p100', APPROVALS.p100, { secret: 'not the one' });

    expect(await countsOf(gateway, 'kyc_webhooks_total')).toEqual({
      'sumsub APPLIED': 2,
      'sumsub DUPLICATE': 1,
      'sumsub QUARANTINED': 1,
      'p100 APPLIED': 1,
      'p100 SIGNATURE_INVALID': 1,
    });
  });

  it('to unknown providers are counted together', async () => {
    const gateway = await startGateway(disposal);
    for (const name of ['acme', 'sumsub"} 1', '%7B%22']) {
      await fetch(`${gateway.url}/webhooks/${encodeURIComponent(name)}`, { method: 'POST' });
    }

    expect(await countsOf(gateway, 'kyc_webhooks_total')).toEqual({
      'unknown PROVIDER_UNKNOWN': 3,
    });
  });

  it('too large to be read are counted', async () => {
    const gateway = await startGateway(disposal, { limits: { http: { maxBodyBytes: 10 } } });
    await gateway.post('sumsub', APPROVALS.sumsub);

    expect(await countsOf(gateway, 'kyc_webhooks_total')).toEqual({ 'sumsub BODY_TOO_LARGE': 1 });
  });

  it('are timed, and so are their commits', async () => {
    const gateway = await startGateway(disposal);
    await Promise.all(
      [1, 2, 3].map((n) =>
        gateway.post('sumsub', about(`user-${n}`, 'applicantReviewed', n, GREEN)),
      ),
    );
    await gateway.post('sumsub', APPROVALS.sumsub, { secret: 'not the one' });

    const series = await readMetrics(gateway);
    expect(series.get('kyc_ingest_duration_seconds_count')).toBe(4);
    expect(series.get('kyc_commit_deliveries_sum')).toBe(3);
    expect(series.get('kyc_commit_duration_seconds_count')).toBe(
      series.get('kyc_commit_deliveries_count'),
    );
    expect(series.get('kyc_deliveries_waiting')).toBe(0);
  });
});

describe('the log', () => {
  it('has a head, and the feed is as far', async () => {
    const gateway = await startGateway(disposal);
    await gateway.post('sumsub', APPROVALS.sumsub);

    await until(async () => (await readMetrics(gateway)).get('kyc_feed_lag_entries') === 0);
    const series = await readMetrics(gateway);
    const { data } = await gateway.ask('{ statusChanges { totalCount } }');
    expect(series.get('kyc_log_head')).toBe(data.statusChanges.totalCount);
    expect(series.get('kyc_feed_position')).toBe(data.statusChanges.totalCount);
    expect(series.get('kyc_store_ready')).toBe(1);
  });
});

describe('an attempt that has stalled', () => {
  it('is the same in the metrics and in GraphQL', async () => {
    const gateway = await startGateway(disposal);
    await gateway.post('sumsub', about('ann', 'applicantPending', 1, { reviewStatus: 'pending' }));
    await gateway.restart(); // counts at its start

    const { data } = await gateway.ask(
      '{ providers { provider lastDeliveryAt openAttempts { status count stalled } } }',
    );
    expect(data.providers).toContainEqual({
      provider: 'SUMSUB',
      lastDeliveryAt: expect.any(String),
      openAttempts: [{ status: 'IN_PROGRESS', count: 1, stalled: 1 }],
    });
    await until(async () =>
      (await readMetrics(gateway)).has('kyc_provider_silent{provider="sumsub"}'),
    );
    expect(await countsOf(gateway, 'kyc_stalled_attempts')).toEqual({ 'sumsub IN_PROGRESS': 1 });
  });
});

describe('operations', () => {
  it('over HTTP are counted by the code of their first error', async () => {
    const gateway = await startGateway(disposal);
    const names = '{ users { nodes { externalUserId } } }';
    for (let again = 0; again < 3; again += 1) await gateway.ask(names); // plain, and by the shortcut
    await gateway.ask('{ providers { name } }');
    await gateway.ask('{ nothing }');
    await gateway.ask('{');
    await gateway.ask(names, {}, 'nobody');
    await gateway.ask('{ providers { name } }', {}, await tokenFor('ada'));
    await gateway.ask('{ user(externalUserId: "\\"code\\":\\"MADE_UP\\"") { id } user { id } }');

    expect(await countsOf(gateway, 'kyc_graphql_operations_total')).toEqual({
      'http OK': 4,
      'http GRAPHQL_VALIDATION_FAILED': 2,
      'http GRAPHQL_PARSE_FAILED': 1,
      'http UNAUTHENTICATED': 1,
      'http FORBIDDEN': 1,
    });
    expect((await readMetrics(gateway)).get('kyc_graphql_duration_seconds_count')).toBe(9);
  });

  it('over a WebSocket are counted once each, and a subscription when it opens', async () => {
    const gateway = await startGateway(disposal);
    await askOverSocket(disposal, gateway, '{ providers { name } }');
    await askOverSocket(disposal, gateway, '{ nothing }');
    await askOverSocket(disposal, gateway, 'subscription { statusChanged(after: "x") { cursor } }');
    const client = await connectClient(disposal, gateway.wsUrl, API_KEY);
    const query = 'subscription { statusChanged { cursor } }';
    client.send({ id: 's', type: 'subscribe', payload: { query } });
    await until(async () => (await readMetrics(gateway)).get('kyc_subscriptions') === 1);
    await gateway.post('sumsub', APPROVALS.sumsub);
    await client.receive(1, 'next');

    expect(await countsOf(gateway, 'kyc_graphql_operations_total')).toEqual({
      'websocket OK': 2,
      'websocket GRAPHQL_VALIDATION_FAILED': 1,
      'websocket CURSOR_INVALID': 1,
    });
    expect((await readMetrics(gateway)).get('kyc_sockets')).toBeGreaterThanOrEqual(1);
    client.socket.close();
    await until(async () => (await readMetrics(gateway)).get('kyc_subscriptions') === 0);
  });
});

describe('the page', () => {
  it('is for keys with the scope `metrics` alone, which opens nothing else', async () => {
    const gateway = await startGateway(disposal);
    const scraper = await gateway.createKey('metrics');
    const reader = await gateway.createKey('read', 'operate', 'pii:read');

    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(401);
    expect((await fetchMetrics(gateway, 'nobody')).status).toBe(401);
    expect((await fetchMetrics(gateway, reader.key)).status).toBe(403);
    expect((await fetchMetrics(gateway, await tokenFor('ada', { scope: 'metrics' }))).status).toBe(
      403,
    );
    expect((await fetchMetrics(gateway, scraper.key)).status).toBe(200);
    const { errors } = await gateway.ask('{ users { totalCount } }', {}, scraper.key);
    expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
  });

  it('is in the form that Prometheus reads, the process included', async () => {
    const gateway = await startGateway(disposal);
    const answer = await fetchMetrics(gateway);

    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    expect(text).toContain('# TYPE kyc_webhooks_total counter\n');
    expect(text).toContain(
      'kyc_webhooks_total{provider="paycaddy",outcome="SIGNATURE_INVALID"} 0\n',
    );
    expect(text).toMatch(/^process_resident_memory_bytes \d/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m);
  });

  it('holds nothing of the users, their accounts and their credentials', async () => {
    const gateway = await startGateway(disposal);
    await gateway.post('sumsub', APPROVALS.sumsub);
    await gateway.ask('{ user(externalUserId: "ada") { id } }');

    const text = await (await fetchMetrics(gateway)).text();
    expect(text).not.toMatch(/\bada\b|applicant-of/);
    expect(text).not.toContain(API_KEY);
    expect(text).not.toContain(SECRETS.sumsub);
  });
});
