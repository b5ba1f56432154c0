/** Knows those who were erased when they are spoken of again. */

import { isLateNews } from '../domain/erasure';
import type { VerificationEvent } from '../domain/event';
import { toDate } from '../domain/instant';
import type { RecordedEvent } from '../domain/recorded-event';
import type { Connection } from './database';
import { type Graph, type IdentityNode, pairKey } from './graph';
import type { Pseudonyms } from './pseudonyms';
import type { IncomingDelivery } from './store';

/**
 * Reads into the graph when those were erased of whom the deliveries speak, or whom an event in it names, and whom it does not
 * hold. No statement while nobody is new, or nobody was ever erased.
 */
export async function loadTombstones(
  graph: Graph,
  connection: Connection,
  pseudonyms: Pseudonyms,
  deliveries: readonly IncomingDelivery[],
): Promise<void> {
  if (!graph.anyErased) return;
  const names = new Map<string, string>();
  const addUser = (externalUserId: string | undefined) => {
    if (externalUserId === undefined || graph.usersByExternalId.has(externalUserId)) return;
    names.set(pseudonyms.externalUser(externalUserId), userKey(externalUserId));
  };
  for (const { events } of graph.identities.values()) {
    for (const { event } of events) addUser(event.externalUserId);
  }
  for (const { provider, reading } of deliveries) {
    if (reading.kind !== 'EVENTS') continue;
    for (const { subjectRef, externalUserId } of reading.events) {
      const subject = pairKey(provider, subjectRef);
      if (!graph.identities.has(subject)) {
        names.set(pseudonyms.subject(provider, subjectRef), subject);
      }
      addUser(externalUserId);
    }
  }
  if (names.size === 0) return;
  const rows = await connection.query<{ digest: string; erased_at: string }>(
    'SELECT digest, erased_at FROM erased_subjects WHERE digest IN (?*)',
    [[...names.keys()]],
  );
  for (const { digest, erased_at } of rows) {
    graph.tombstones.set(names.get(digest) ?? '', new Date(erased_at));
  }
}

/** Whether the delivery speaks of somebody who was erased, and comes late. */
export function isOfErased(graph: Graph, delivery: IncomingDelivery): boolean {
  const { provider, reading, receivedAt } = delivery;
  if (graph.tombstones.size === 0 || reading.kind !== 'EVENTS') return false;
  return reading.events.some((event) =>
    erasuresOf(graph, provider, event).some((at) => isLateNews(event, receivedAt, at)),
  );
}

/**
 * Whether the user whom an event of a live account names was erased, and does not come back by it: the account is somebody
 * else's by now. An operator said so, or the vendor has named another since.
 */
export function namesErased(
  graph: Graph,
  { linked }: Pick<IdentityNode, 'linked'>,
  { event, receivedAt }: RecordedEvent,
): boolean {
  const { externalUserId } = event;
  const at =
    externalUserId === undefined ? undefined : graph.tombstones.get(userKey(externalUserId));
  return at !== undefined && (linked || isLateNews(event, toDate(receivedAt), at));
}

/** Who is in the graph has come back since. */
function erasuresOf(
  { identities, usersByExternalId, tombstones }: Graph,
  provider: string,
  { subjectRef, externalUserId }: VerificationEvent,
): readonly Date[] {
  const subject = pairKey(provider, subjectRef);
  if (identities.has(subject)) return [];
  const named = externalUserId !== undefined && !usersByExternalId.has(externalUserId);
  const user = named ? tombstones.get(userKey(externalUserId)) : undefined;
  return [tombstones.get(subject), user].filter((at) => at !== undefined);
}

/** Apart from all keys of subjects, which begin with a provider. */
function userKey(externalUserId: string): string {
  return ` ${externalUserId}`;
}
