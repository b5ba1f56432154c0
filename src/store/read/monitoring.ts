/** Reads what tells that something stands still: attempts that are open, and when vendors were heard. */

import { type Instant, toInstantText } from '../../domain/instant';
import { type LevelKey, type ProviderId, splitLevelKey } from '../../domain/level';
import {
  type Baseline,
  isSilent,
  type SilenceRule,
  type Span,
  toBaseline,
} from '../../domain/monitoring';
import { OPEN_STATUSES, type OpenStatus } from '../../domain/status';
import type { Connection } from '../database/database';
import type { OpenAttempts, Reader } from './reader';

type WatchReader = Pick<Reader, 'openAttempts' | 'quarantined' | 'silence'>;

interface OpenSql {
  readonly level_key: LevelKey;
  readonly status: OpenStatus;
  readonly count: number;
  readonly oldest: Instant;
  readonly stalled: number;
}

/** All that is read is the index `attempts_open`, which has the same condition: no table, and no attempt that is decided. */
const OPEN = `SELECT level_key, status, count(*) AS count, min(updated_at) AS oldest,
    count(CASE WHEN updated_at <
      CASE status ${OPEN_STATUSES.map((status) => `WHEN '${status}' THEN ?`).join(' ')} END THEN 1 END) AS stalled
  FROM attempts WHERE decided_at IS NULL
  GROUP BY level_key, status`;

/** What was asked of a vendor does not tell that its webhooks arrive. */
const SENT = `FROM deliveries WHERE provider = ? AND trust <> 'CONFIRMED'`;

/** From either end of an index. */
const HEARD = `SELECT (SELECT received_at ${SENT} ORDER BY received_at LIMIT 1) AS first,
  (SELECT received_at ${SENT} ORDER BY received_at DESC LIMIT 1) AS last`;

const QUARANTINED = `SELECT count(*) AS count FROM (
  SELECT 1 FROM deliveries WHERE provider = ? AND disposition = 'QUARANTINED' LIMIT ?) AS few`;

const RECEIVED = `SELECT 1 ${SENT} AND received_at >= ? AND received_at < ? LIMIT ?`;

export function createMonitoringReader(connection: Connection): WatchReader {
  return {
    async openAttempts(stalledBefore) {
      const limits = OPEN_STATUSES.map((status) => toInstantText(stalledBefore[status]));
      return byProvider(await connection.query<OpenSql>(OPEN, limits));
    },

    async quarantined(provider, most) {
      const [row] = await connection.query<{ count: number }>(QUARANTINED, [provider, most]);
      return row?.count ?? 0;
    },

    async silence(provider, now, rule) {
      const [row] = await connection.query<Heard>(HEARD, [provider, provider]);
      if (!row || row.first === null || row.last === null) {
        return { lastDeliveryAt: null, silentSince: null };
      }
      const heard = { first: new Date(row.first), last: new Date(row.last) };
      const baseline = toBaseline(heard, now, rule);
      const silent = baseline !== null && (await isQuiet(connection, provider, baseline, rule));
      return { lastDeliveryAt: heard.last, silentSince: silent ? heard.last : null };
    },
  };
}

interface Heard {
  readonly first: string | null;
  readonly last: string | null;
}

async function isQuiet(
  connection: Connection,
  provider: ProviderId,
  { days, weeks }: Baseline,
  rule: SilenceRule,
): Promise<boolean> {
  if (days.length === 0) return false;
  const counts = await countIn(connection, provider, [...days, ...weeks], rule.floor);
  const split = { days: counts.slice(0, days.length), weeks: counts.slice(days.length) };
  return isSilent(split, rule);
}

/** How many were received in each of the spans, `most` at most: further ones are not looked at. */
async function countIn(
  connection: Connection,
  provider: ProviderId,
  spans: readonly Span[],
  most: number,
): Promise<readonly number[]> {
  const parts = spans.map(
    (_, position) =>
      `SELECT ${position} AS position, (SELECT count(*) FROM (${RECEIVED}) AS few) AS count`,
  );
  const rows = await connection.query<{ position: number; count: number }>(
    parts.join(' UNION ALL '),
    spans.flatMap(({ from, to }) => [provider, from.toISOString(), to.toISOString(), most]),
  );
  const byPosition = new Map(rows.map(({ position, count }) => [position, count]));
  return spans.map((_, position) => byPosition.get(position) ?? 0);
}

function byProvider(rows: readonly OpenSql[]): readonly OpenAttempts[] {
  const sums = new Map<string, OpenAttempts>();
  for (const { level_key, status, count, oldest, stalled } of rows) {
    const { provider } = splitLevelKey(level_key);
    const key = `${provider} ${status}`;
    const sum = sums.get(key) ?? { provider, status, count: 0, stalled: 0, oldest };
    const isEarlier = oldest < sum.oldest;
    sums.set(key, {
      ...sum,
      count: sum.count + count,
      stalled: sum.stalled + stalled,
      oldest: isEarlier ? oldest : sum.oldest,
    });
  }
  return [...sums.values()];
}
