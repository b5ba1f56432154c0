/** Applies kept deliveries again, as the adapters read them now. */

import type { Change } from '../domain/change';
import type { ProjectionRules } from '../domain/projection';
import type { Disposition, Trust } from '../domain/status';
import type { Connection } from './connection';
import { createGraph, type Graph, type IdentityNode, type KnownDelivery, pairKey } from './graph';
import type { KeyRing } from './key-ring';
import { loadGraph } from './load-graph';
import { type Application, applyReading, lookupFor, storedKey } from './record-delivery';
import { saveGraph } from './save-graph';
import { openBody, type SealedBody, sealBody } from './sealed-body';
import type { IncomingDelivery, Reading, ReplayDeliveries, ReplayOutcome } from './store';
import { where } from './where';

interface KeptRow extends SealedBody {
  readonly id: number;
  readonly provider: string;
  readonly receivedAt: string;
  readonly disposition: Disposition;
  readonly duplicateKey: string;
  readonly subpath: string;
  readonly trust: Trust;
  readonly userId: number | null;
}

interface Redisposed {
  readonly deliveryId: number;
  readonly before: Disposition;
  readonly after: Disposition;
}

/** How many deliveries are in memory at once. */
const CHUNK = 200;

/** Runs inside an open transaction; the caller rolls back a dry run. */
export async function replayDeliveries(
  connection: Connection,
  keyRing: KeyRing,
  rules: ProjectionRules,
  input: ReplayDeliveries,
): Promise<ReplayOutcome> {
  const redisposed: Redisposed[] = [];
  const changes: Change[] = [];
  let deliveries = 0;
  let lastId = 0;
  for (;;) {
    const rows = await nextRows(connection, input, lastId);
    const last = rows.at(-1);
    if (last === undefined) return { deliveries, redisposed, changes };
    const outcome = await replayChunk(connection, keyRing, rules, input, rows);
    redisposed.push(...outcome.redisposed);
    changes.push(...outcome.changes);
    deliveries += rows.length;
    lastId = last.id;
  }
}

async function nextRows(
  connection: Connection,
  { selection }: ReplayDeliveries,
  afterId: number,
): Promise<readonly KeptRow[]> {
  const condition = where([
    ['d.id > ?', afterId],
    ['d.id IN (SELECT value FROM json_each(?))', selection.ids && JSON.stringify(selection.ids)],
    ['d.provider = ?', selection.provider],
    ['d.disposition = ?', selection.disposition],
    ['d.received_at >= ?', selection.receivedFrom?.toISOString()],
    ['d.received_at < ?', selection.receivedBefore?.toISOString()],
  ]);
  return await connection.query<KeptRow>(
    `SELECT d.id, d.provider, d.received_at AS receivedAt, d.disposition, d.duplicate_key AS duplicateKey,
        d.subpath, d.trust, d.body, d.body_key_id AS bodyKeyId,
        i.data_key AS dataKey, i.data_key_id AS dataKeyId, i.user_id AS userId
      FROM deliveries d LEFT JOIN identities i ON i.id = d.identity_id
      ${condition.sql} ORDER BY d.id LIMIT ${CHUNK}`,
    condition.parameters,
  );
}

async function replayChunk(
  connection: Connection,
  keyRing: KeyRing,
  rules: ProjectionRules,
  input: ReplayDeliveries,
  rows: readonly KeptRow[],
): Promise<Pick<ReplayOutcome, 'redisposed' | 'changes'>> {
  const read = rows.map((row) => ({ row, delivery: reread(row, keyRing, input) }));
  const graph = createGraph();
  const userIds = rows.flatMap(({ userId }) => (userId === null ? [] : [userId]));
  await loadGraph(graph, connection, keyRing, {
    ...lookupFor(read.map(({ delivery }) => delivery)),
    userIds,
  });
  const redisposed: Redisposed[] = [];
  for (const { row, delivery } of read) {
    const after = replayOne(graph, keyRing, rules, input, row, delivery);
    if (after !== row.disposition) {
      redisposed.push({ deliveryId: row.id, before: row.disposition, after });
    }
  }
  await saveGraph(graph, connection);
  return { redisposed, changes: graph.changes };
}

function reread(row: KeptRow, keyRing: KeyRing, input: ReplayDeliveries): IncomingDelivery {
  const { id, provider, subpath, trust } = row;
  const receivedAt = new Date(row.receivedAt);
  const rawBody = openBody(row, keyRing);
  const reading = input.reread({ id, provider, receivedAt, rawBody, subpath });
  return { provider, receivedAt, rawBody, subpath, trust, reading };
}

function replayOne(
  graph: Graph,
  keyRing: KeyRing,
  rules: ProjectionRules,
  input: ReplayDeliveries,
  row: KeptRow,
  delivery: IncomingDelivery,
): Disposition {
  if (saysTheSame(graph, row, delivery.reading)) return row.disposition;
  const about = forget(graph, row.id);
  const cause = { kind: 'REPLAY', actor: input.actor } as const;
  const application = applyReading(graph, row.id, delivery, keyRing, rules, cause, about);
  rewrite(graph, keyRing, row, delivery, application);
  return application.disposition;
}

function saysTheSame(graph: Graph, row: KeptRow, reading: Reading): boolean {
  if (reading.kind !== 'EVENTS') return reading.kind === row.disposition;
  const told = eventsOf(graph, row.id).map(({ event }) => JSON.stringify(event.event));
  const tells = reading.events.flatMap((event) => {
    if (event.type === 'CREDENTIAL') return [];
    return [JSON.stringify(event.type === 'PROFILE' ? { ...event, profile: {} } : event)];
  });
  const settled = row.disposition !== 'QUARANTINED' && row.disposition !== 'IGNORED';
  return settled && told.length === tells.length && told.every((one) => tells.includes(one));
}

function eventsOf(graph: Graph, deliveryId: number) {
  return [...graph.identities.values()].flatMap((identity) =>
    identity.events
      .filter((event) => event.deliveryId === deliveryId)
      .map((event) => ({ identity, event })),
  );
}

/** Takes back what the delivery said before. */
function forget(graph: Graph, deliveryId: number): ReadonlySet<IdentityNode> {
  const about = new Set<IdentityNode>();
  for (const { identity, event } of eventsOf(graph, deliveryId)) {
    identity.events = identity.events.filter((held) => held !== event);
    graph.goneEvents.push(event.id);
    about.add(identity);
  }
  return about;
}

function rewrite(
  graph: Graph,
  keyRing: KeyRing,
  row: KeptRow,
  delivery: IncomingDelivery,
  { disposition, identity }: Application,
): void {
  const { reading } = delivery;
  const key = storedKey(row.id, delivery);
  const holder: KnownDelivery | undefined = graph.deliveries.get(pairKey(row.provider, key));
  const rewritten = {
    id: row.id,
    provider: row.provider,
    // Read rightly at last, it may turn out to repeat another delivery: then that one keeps the key.
    duplicateKey: holder === undefined ? key : row.duplicateKey,
    receivedAt: row.receivedAt,
    disposition,
    trust: row.trust,
    reason: reading.kind === 'QUARANTINED' ? reading.reason : null,
    eventType: reading.eventType,
    subpath: row.subpath,
    identityId: identity?.id ?? null,
    ...sealBody(delivery.rawBody, identity, keyRing),
  };
  graph.rewrittenDeliveries.push(rewritten);
  graph.deliveries.set(pairKey(row.provider, rewritten.duplicateKey), rewritten);
}
