/** Monitoring queries: open attempts, quarantined deliveries and the times of deliveries. */

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
import { AttemptEntity } from '../entities/attempt.entity';
import { getNames } from '../entities/columns';
import { DeliveryEntity } from '../entities/delivery.entity';
import type { OpenAttempts, Reader } from './reader';

type MonitoringReader = Pick<Reader, 'openAttempts' | 'quarantined' | 'silence'>;

const a = getNames(AttemptEntity);
const { receivedAt } = getNames(DeliveryEntity);

interface OpenSql {
  readonly levelKey: LevelKey;
  readonly status: OpenStatus;
  readonly count: number;
  readonly oldest: Instant;
  readonly stalled: number;
}

/** Repeats the condition of the index `attempts_open`, so the query reads only the index and skips decided attempts. */
const OPEN_ATTEMPTS = `SELECT ${a.levelKey} AS "levelKey", status, count(*) AS count, min(${a.updatedAt}) AS oldest,
    count(CASE WHEN ${a.updatedAt} <
      CASE status ${OPEN_STATUSES.map((status) => `WHEN '${status}' THEN ?`).join(' ')} END THEN 1 END) AS stalled
  FROM attempts WHERE ${a.decidedAt} IS NULL
  GROUP BY ${a.levelKey}, status`;

/** Webhooks of a provider. Excludes status responses: they do not show that webhooks arrive. */
const WEBHOOKS = `FROM deliveries WHERE provider = ? AND trust <> 'CONFIRMED'`;

/** Reads one entry from each end of an index. */
const FIRST_AND_LAST = `SELECT (SELECT ${receivedAt} ${WEBHOOKS} ORDER BY ${receivedAt} LIMIT 1) AS first,
  (SELECT ${receivedAt} ${WEBHOOKS} ORDER BY ${receivedAt} DESC LIMIT 1) AS last`;

const QUARANTINED = `SELECT count(*) AS count FROM (
  SELECT 1 FROM deliveries WHERE provider = ? AND disposition = 'QUARANTINED' LIMIT ?) AS few`;

const RECEIVED = `SELECT 1 ${WEBHOOKS} AND ${receivedAt} >= ? AND ${receivedAt} < ? LIMIT ?`;

export function createMonitoringReader(connection: Connection): MonitoringReader {
  return {
    async openAttempts(stalledBefore) {
      const limits = OPEN_STATUSES.map((status) => toInstantText(stalledBefore[status]));
      return byProvider(await connection.query<OpenSql>(OPEN_ATTEMPTS, limits));
    },

    async quarantined(provider, max) {
      const [row] = await connection.query<{ count: number }>(QUARANTINED, [provider, max]);
      return row?.count ?? 0;
    },

    async silence(provider, now, rule) {
      const [row] = await connection.query<FirstAndLast>(FIRST_AND_LAST, [provider, provider]);
      if (!row || row.first === null || row.last === null) {
        return { lastDeliveryAt: null, silentSince: null };
      }
      const received = { first: new Date(row.first), last: new Date(row.last) };
      const baseline = toBaseline(received, now, rule);
      const silent = baseline !== null && (await isQuiet(connection, provider, baseline, rule));
      return { lastDeliveryAt: received.last, silentSince: silent ? received.last : null };
    },
  };
}

interface FirstAndLast {
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

/** Counts the webhooks in each span, up to `max`. Does not read further ones. */
async function countIn(
  connection: Connection,
  provider: ProviderId,
  spans: readonly Span[],
  max: number,
): Promise<readonly number[]> {
  const parts = spans.map(
    (_, position) =>
      `SELECT ${position} AS position, (SELECT count(*) FROM (${RECEIVED}) AS few) AS count`,
  );
  const rows = await connection.query<{ position: number; count: number }>(
    parts.join(' UNION ALL '),
    spans.flatMap(({ from, to }) => [provider, from.toISOString(), to.toISOString(), max]),
  );
  const byPosition = new Map(rows.map(({ position, count }) => [position, count]));
  return spans.map((_, position) => byPosition.get(position) ?? 0);
}

function byProvider(rows: readonly OpenSql[]): readonly OpenAttempts[] {
  const sums = new Map<string, OpenAttempts>();
  for (const { levelKey, status, count, oldest, stalled } of rows) {
    const { provider } = splitLevelKey(levelKey);
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
