/** Keeps and applies, one transaction at a time. */

import { type Instant, instantOf } from '../domain/instant';
import type { ProjectionRules } from '../domain/projection';
import type { Connection } from './connection';
import { createGraph, type Graph } from './graph';
import type { KeyRing } from './key-ring';
import { linkIdentity } from './link-identity';
import { type Lookup, loadGraph } from './load-graph';
import { openUser } from './membership';
import { lookupFor, recordDelivery } from './record-delivery';
import { saveGraph } from './save-graph';
import { settle } from './settle';
import type { IncomingDelivery, RecordOutcome, Store } from './store';
import { createWriteQueue } from './write-queue';

export interface WriterOptions {
  readonly connection: Connection;
  readonly keyRing: KeyRing;
  readonly rules: Omit<ProjectionRules, 'now'>;
  readonly clock: () => Date;
  /** A commit failed: the process must end, a restart is the repair. */
  readonly onFatal: (error: unknown) => void;
  /** Told when a delivery could not be applied for a fault of ours and was quarantined instead. */
  readonly onSalvage: (error: unknown) => void;
}

export type Writer = Pick<
  Store,
  'record' | 'createUser' | 'linkIdentity' | 'expire' | 'trimLog' | 'close'
> & {
  /** Projects every user again, for rules that have changed. */
  reprojectAll(): Promise<void>;
  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** Runs `work` alone in a transaction that ends with saving what it made of an empty graph. */
  change<T>(work: (graph: Graph, connection: Connection) => Promise<T>): Promise<T>;
};

/** Enough to share one flush among many, few enough that the first does not wait long for the last. */
const MAX_GROUP = 256;
/** Users brought up to date in one transaction. */
const USER_CHUNK = 500;

export function createWriter(options: WriterOptions): Writer {
  const { connection, keyRing, clock, onFatal, onSalvage } = options;
  const queue = createWriteQueue<IncomingDelivery, RecordOutcome>({
    connection,
    write: recordGroup,
    salvage(delivery, error) {
      onSalvage(error);
      return { ...delivery, reading: salvaged(delivery) };
    },
    onFatal,
    maxGroup: MAX_GROUP,
  });
  const rulesAt = (now: Date): ProjectionRules => ({ ...options.rules, now });

  return {
    record: (delivery) => queue.add(delivery),

    createUser: ({ externalUserId, now }) =>
      withGraph({ externalUserIds: externalUserId === null ? [] : [externalUserId] }, (graph) => {
        const known =
          externalUserId === null ? undefined : graph.usersByExternalId.get(externalUserId);
        if (known !== undefined) return { userId: known.id, created: false };
        return { userId: openUser(graph, externalUserId, now).id, created: true };
      }),

    linkIdentity: (input) =>
      withGraph(
        { subjects: [[input.provider, input.subjectRef]], userIds: [input.userId] },
        (graph) => linkIdentity(graph, input, keyRing, rulesAt(input.now)),
      ),

    async expire(now) {
      const before = instantOf(now);
      return await queue.transaction(
        async () => await settleUsers(await dueUsers(before), 'EXPIRY', now),
      );
    },

    async trimLog(before) {
      return await queue.transaction(async () => await trim(before));
    },

    async reprojectAll() {
      let lastId = 0;
      for (;;) {
        const ids = await userIdsAfter(lastId);
        const last = ids.at(-1);
        if (last === undefined) return;
        await queue.transaction(() => settleUsers(ids, 'POLICY', clock()));
        lastId = last;
      }
    },

    transaction: (work) => queue.transaction(() => work(connection)),
    change,
    close: () => queue.close(),
  };

  async function recordGroup(
    deliveries: readonly IncomingDelivery[],
  ): Promise<readonly RecordOutcome[]> {
    const graph = createGraph();
    await loadGraph(graph, connection, keyRing, lookupFor(deliveries));
    const rules = rulesAt(clock());
    const outcomes = deliveries.map((delivery) => recordDelivery(graph, delivery, keyRing, rules));
    await saveGraph(graph, connection);
    return outcomes;
  }

  async function withGraph<T>(lookup: Lookup, work: (graph: Graph) => T): Promise<T> {
    return await change(async (graph) => {
      await loadGraph(graph, connection, keyRing, lookup);
      return work(graph);
    });
  }

  async function change<T>(work: (graph: Graph, connection: Connection) => Promise<T>): Promise<T> {
    return await queue.transaction(async () => {
      const graph = createGraph();
      const result = await work(graph, connection);
      await saveGraph(graph, connection);
      return result;
    });
  }

  async function settleUsers(
    userIds: readonly number[],
    kind: 'EXPIRY' | 'POLICY',
    now: Date,
  ): Promise<number> {
    const graph = createGraph();
    await loadGraph(graph, connection, keyRing, { userIds });
    const occasion = { kind, deliveryId: null, actor: null, occurredAt: instantOf(now) };
    settle(graph, { users: graph.users.values() }, occasion, rulesAt(now));
    await saveGraph(graph, connection);
    return graph.changes.length;
  }

  async function dueUsers(before: Instant): Promise<readonly number[]> {
    const rows = await connection.query<{ id: number }>(
      `SELECT DISTINCT user_id AS id FROM user_levels
        WHERE status = 'VERIFIED' AND expires_at <= ? LIMIT ${USER_CHUNK}`,
      [before],
    );
    return rows.map(({ id }) => id);
  }

  async function userIdsAfter(lastId: number): Promise<readonly number[]> {
    const rows = await connection.query<{ id: number }>(
      `SELECT id FROM users WHERE id > ? AND merged_into IS NULL ORDER BY id LIMIT ${USER_CHUNK}`,
      [lastId],
    );
    return rows.map(({ id }) => id);
  }

  async function trim(before: Date): Promise<number> {
    // The log stands in the order of commit, so the first entry that is young enough ends the search.
    const [row] = await connection.query<{ floor: number | null }>(
      `SELECT coalesce(
          (SELECT id - 1 FROM changes WHERE recorded_at >= ? ORDER BY id LIMIT 1),
          (SELECT max(id) FROM changes)) AS floor`,
      [before.toISOString()],
    );
    const floor = row?.floor ?? null;
    if (floor === null) return 0;
    const [count] = await connection.query<{ n: number }>(
      'SELECT count(*) AS n FROM changes WHERE id <= ?',
      [floor],
    );
    if (count?.n === 0) return 0;
    await connection.query('DELETE FROM changes WHERE id <= ?', [floor]);
    await connection.query("UPDATE settings SET value = ? WHERE name = 'log_floor'", [
      String(floor),
    ]);
    return count?.n ?? 0;
  }
}

/** A fault of ours must not cost a delivery: it is kept unread, to be replayed once the fault is mended. */
function salvaged({ reading }: IncomingDelivery): IncomingDelivery['reading'] {
  return {
    kind: 'QUARANTINED',
    eventType: reading.eventType,
    duplicateKey: reading.duplicateKey,
    reason: {
      code: 'INTERNAL',
      message: 'the gateway failed to apply it; replay it once that is mended',
    },
  };
}
