/** Reads `/metrics` of a gateway. */

import { API_KEY, type TestGateway } from './gateway';

/** Values by series, such as `kyc_webhooks_total{provider="sumsub",outcome="APPLIED"}`. */
export type Series = ReadonlyMap<string, number>;

export function fetchMetrics(gateway: TestGateway, credential = API_KEY): Promise<Response> {
  return fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${credential}` } });
}

export async function readMetrics(gateway: TestGateway): Promise<Series> {
  const text = await (await fetchMetrics(gateway)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
}
