import { createMetrics } from '../../src/observability/metrics';
import type { GatewayStats } from '../../src/observability/stats-gauges';

const AWAY: GatewayStats = {
  storeReady: false,
  logHead: null,
  feedPosition: 7,
  sockets: 2,
  subscriptions: 3,
  subscriptionsBehind: 1,
  monitor: null,
};

function create(stats: GatewayStats = AWAY) {
  return createMetrics({
    providerIds: ['sumsub', 'p100'],
    statusCheckOutcomes: ['CHANGED', 'FAILED'],
    authFailures: ['MISSING'],
    signatureFailures: ['SIGNATURE_MISSING'],
    writeFailures: ['LOCKED'],
    version: '1.2.3',
    database: 'sqlite',
    stats: async () => stats,
  });
}

async function linesOf({ expose }: ReturnType<typeof create>): Promise<readonly string[]> {
  return (await expose()).text.split('\n');
}

describe('labels', () => {
  it('never contain values from clients', async () => {
    const metrics = create();
    metrics.webhook('acme"} 1', 'APPLIED');
    metrics.webhook('sumsub', 'a new\nword');
    metrics.statusCheck('acme', 'a new value');
    metrics.operation('http', '');
    metrics.authenticationFailed('http', 'a new value');
    metrics.operation('http', '__proto__');

    const lines = await linesOf(metrics);
    expect(lines).toEqual(
      expect.arrayContaining([
        'kyc_webhooks_total{provider="unknown",outcome="APPLIED"} 1',
        'kyc_webhooks_total{provider="sumsub",outcome="OTHER"} 1',
        'kyc_provider_api_requests_total{provider="unknown",outcome="OTHER"} 1',
        'kyc_graphql_operations_total{transport="http",outcome="OTHER"} 2',
        'kyc_authentication_failures_total{entry_point="http",reason="OTHER"} 1',
        'kyc_authentication_failures_total{entry_point="metrics",reason="MISSING"} 0',
      ]),
    );
    expect(lines.join('\n')).not.toMatch(/acme|a new|__proto/);
  });
});

describe('the page', () => {
  it('is available without the database and contains the known figures', async () => {
    const metrics = create();
    metrics.slowConsumer();
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'kyc_store_ready 0',
        'kyc_log_head Nan',
        'kyc_feed_position 7',
        'kyc_feed_lag_entries Nan',
        'kyc_sockets 2',
        'kyc_subscriptions 3',
        'kyc_subscriptions_behind 1',
        'kyc_slow_consumers_closed_total 1',
        'kyc_info{version="1.2.3",database="sqlite"} 1',
      ]),
    );
  });

  it('contains open circuits and outcomes of status checks', async () => {
    const metrics = create();
    metrics.circuit('sumsub', true);
    metrics.circuit('p100', true);
    metrics.circuit('p100', false);
    metrics.statusCheck('sumsub', 'CHANGED');
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'kyc_provider_api_circuit_open{provider="sumsub"} 0',
        'kyc_provider_api_circuit_open{provider="p100"} 1',
        'kyc_provider_api_requests_total{provider="sumsub",outcome="CHANGED"} 1',
        'kyc_provider_api_requests_total{provider="sumsub",outcome="FAILED"} 0',
      ]),
    );
  });

  it('contains the latest results of the monitor only', async () => {
    const at = new Date(1_700_000_000_000);
    const report = {
      at,
      openAttempts: [{ provider: 'p100', status: 'PENDING', count: 5, stalled: 2 } as const],
      providers: [
        { provider: 'p100', lastDeliveryAt: at, silentSince: at, quarantined: 1 },
        { provider: 'sumsub', lastDeliveryAt: null, silentSince: null, quarantined: 0 },
      ],
    };
    const stats = { ...AWAY, monitor: report };
    const metrics = create(stats);
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'kyc_open_attempts{provider="p100",status="PENDING"} 5',
        'kyc_stalled_attempts{provider="p100",status="PENDING"} 2',
        'kyc_provider_last_delivery_timestamp_seconds{provider="p100"} 1700000000',
        'kyc_provider_silent{provider="p100"} 1',
        'kyc_provider_silent{provider="sumsub"} 0',
        'kyc_quarantined_deliveries{provider="p100"} 1',
        'kyc_monitor_timestamp_seconds 1700000000',
      ]),
    );

    stats.monitor = { ...report, openAttempts: [] as never };
    expect((await linesOf(metrics)).join('\n')).not.toContain('kyc_open_attempts{');
  });
});
