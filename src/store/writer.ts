/** Keeps and applies, one transaction at a time. */

import { StoreUnavailableError } from '../domain/errors';
import { type Instant, instantOf } from '../domain/instant';
import type { ProjectionRules } from '../domain/projection';
import type { Connection } from './connection';
import { createGraph, forgetChanges, type Graph } from './graph';
import type { KeyRing } from './key-ring';
import { linkIdentity } from './link-identity';
import { type Lookup, loadGraph } from './load-graph';
import { openUser } from './membership';
import { lookupFor, recordDelivery } from './record-delivery';
import type { Keyed } from './repeat-keys';
import { dataVersion, saveGraph } from './save-graph';
import { settle } from './settle';
import type { IncomingDelivery, RecordOutcome, Store } from './store';
import { createWriteQueue, type Draft } from './write-queue';

export interface WriterOptions {
  readonly connection: Connection;
  /** To look without waiting for the writer. */
  readonly reading: Connection;
  /** As `reading`, for the deliveries that come while others are written. */
  readonly loading: Connection;
  readonly keyRing: KeyRing;
  readonly keyed: Keyed;
  readonly rules: Omit<ProjectionRules, 'now'>;
  readonly clock: () => Date;
  /** A commit failed: the process must end, a restart is the repair. */
  readonly onFatal: (error: unknown) => void;
  /** Told when a delivery could not be applied for a fault of ours and was quarantined instead. */
  readonly onSalvage: (error: unknown) => void;
  /** Told when the state of a user could not be brought up to date for a fault of ours; it is left until the next start. */
  readonly onStuck: (userId: number, error: unknown) => void;
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
/** A group is in memory several times over while it is written. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/** Users and deliveries that are kept in mind from one group to the next. */
const MAX_KNOWN = 2_000;
/** Users brought up to date in one transaction. */
const USER_CHUNK = 500;
/** Log entries dropped in one transaction, so that whoever posts meanwhile does not wait long. */
const TRIM_CHUNK = 2_000;

export function createWriter(options: WriterOptions): Writer {
  const { connection, reading, loading, keyRing, keyed, clock, onFatal, onSalvage, onStuck } =
    options;
  const queue = createWriteQueue<IncomingDelivery, RecordOutcome>({
    connection,
    openDraft,
    write: recordGroup,
    salvage(delivery, error) {
      onSalvage(error);
      return { ...delivery, reading: salvaged(delivery) };
    },
    onFatal,
    maxGroup: MAX_GROUP,
    maxGroupSize: MAX_GROUP_BYTES,
    sizeOf: ({ rawBody }) => rawBody.length,
  });
  const stuck = new Set<number>();
  const rulesAt = (now: Date): ProjectionRules => ({ ...options.rules, now });

  return {
    record: (delivery) => queue.add({ ...delivery, reading: keyed(delivery.reading) }),

    createUser: ({ externalUserId, now }) =>
      withGraph({ externalUserIds: externalUserId === null ? [] : [externalUserId] }, (graph) => {
        const known =
          externalUserId === null ? undefined : graph.usersByExternalId.get(externalUserId);
        if (known !== undefined) return { userId: known.id, created: false };
        return { userId: openUser(graph, externalUserId, now).id, created: true };
      }),

    linkIdentity: (input) =>
      change(async (graph) => {
        const userId = await survivorOf(input.userId);
        const subjects = [[input.provider, input.subjectRef]] as const;
        await loadGraph(graph, connection, keyRing, { subjects, userIds: [userId] });
        return linkIdentity(graph, { ...input, userId }, keyRing, rulesAt(input.now));
      }),

    async expire(now) {
      const due = await dueUsers(instantOf(now));
      if (due.length === 0) return 0;
      try {
        return await expireUsers(due, now);
      } catch (error) {
        if (error instanceof StoreUnavailableError) throw error;
        return await expireEach(due, now);
      }
    },

    async trimLog(before) {
      for (let trimmed = 0; ; ) {
        const dropped = await queue.transaction(() => trim(before));
        trimmed += dropped;
        if (dropped < TRIM_CHUNK) return trimmed;
      }
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

  /**
   * Stands on what it has read and written itself. It notices when somebody else has written: another process, or other
   * work of the queue's, after which there is a new one.
   */
  function openDraft(): Draft<IncomingDelivery, RecordOutcome> {
    const graph = createGraph();
    let version: number | null = null;
    return {
      async read(deliveries) {
        version ??= await dataVersion(connection);
        await loadGraph(graph, loading, keyRing, lookupFor(deliveries));
        return () => {
          const rules = rulesAt(clock());
          return deliveries.map((delivery) => recordDelivery(graph, delivery, keyRing, rules));
        };
      },
      write() {
        const saved = saveGraph(graph, connection, version);
        forgetChanges(graph);
        return saved;
      },
      isFull: () => graph.users.size + graph.deliveriesById.size > MAX_KNOWN,
    };
  }

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

  /** Ids of merged users stand for the user that they went into. */
  async function survivorOf(userId: number): Promise<number> {
    const [row] = await connection.query<{ id: number }>(
      'SELECT coalesce(merged_into, id) AS id FROM users WHERE id = ?',
      [userId],
    );
    return row?.id ?? userId;
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

  function expireUsers(userIds: readonly number[], now: Date): Promise<number> {
    return queue.transaction(() => settleUsers(userIds, 'EXPIRY', now));
  }

  /** One of them is poison: each alone, so that it keeps nobody else verified. */
  async function expireEach(userIds: readonly number[], now: Date): Promise<number> {
    let changes = 0;
    for (const userId of userIds) {
      try {
        changes += await expireUsers([userId], now);
      } catch (error) {
        if (error instanceof StoreUnavailableError) throw error;
        stuck.add(userId);
        onStuck(userId, error);
      }
    }
    return changes;
  }

  async function dueUsers(before: Instant): Promise<readonly number[]> {
    // Made unique here: DISTINCT would have SQLite walk the whole table in the order of its users.
    const rows = await reading.query<{ id: number }>(
      `SELECT user_id AS id FROM user_levels
        WHERE status = 'VERIFIED' AND expires_at <= ? AND user_id NOT IN (SELECT value FROM json_each(?))
        ORDER BY expires_at LIMIT ${USER_CHUNK}`,
      [before, JSON.stringify([...stuck])],
    );
    return [...new Set(rows.map(({ id }) => id))];
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
      `WITH oldest AS (SELECT id, recorded_at FROM changes ORDER BY id LIMIT ${TRIM_CHUNK})
        SELECT coalesce(
          (SELECT id - 1 FROM oldest WHERE recorded_at >= ? ORDER BY id LIMIT 1),
          (SELECT max(id) FROM oldest)) AS floor`,
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
    mayRecur: true, // once that is mended, the vendor's own repeat is to be applied, not counted
    reason: {
      code: 'INTERNAL',
      message: 'the gateway failed to apply it; replay it once that is mended',
    },
  };
}
