/** Knows those who were erased when they are spoken of again. */

import { isAboutErasure, isLateNews } from '../../domain/erasure';
import type { RecordedEvent } from '../../domain/fold/recorded-event';
import { toInstantText } from '../../domain/instant';
import { type IdentityNode, pairKey, type UnitOfWork } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import type { ErasureDigests } from '../keys/erasure-digests';
import type { IncomingDelivery } from '../store';

/**
 * Reads into the graph when those were erased of whom the deliveries speak, or whom an event in it names, also where they are
 * there again. One statement, and none where all were asked about before, or nobody was ever erased.
 */
export async function loadTombstones(
  graph: UnitOfWork,
  connection: Connection,
  pseudonyms: ErasureDigests,
  deliveries: readonly IncomingDelivery[],
): Promise<void> {
  if (!graph.anyErased) return;
  const names = new Map<string, string>();
  const ask = (name: string, toDigest: () => string) => {
    if (graph.askedTombstones.has(name)) return;
    graph.askedTombstones.add(name);
    names.set(toDigest(), name);
  };
  const askUser = (externalUserId: string | undefined) => {
    if (externalUserId === undefined) return;
    ask(userKey(externalUserId), () => pseudonyms.externalUser(externalUserId));
  };
  for (const externalUserId of graph.named) askUser(externalUserId);
  graph.named.clear();
  for (const { provider, reading } of deliveries) {
    if (reading.kind !== 'EVENTS') continue;
    for (const { subjectRef, externalUserId } of reading.events) {
      ask(pairKey(provider, subjectRef), () => pseudonyms.subject(provider, subjectRef));
      askUser(externalUserId);
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

/**
 * Whether the delivery speaks of somebody who was erased, and comes late: by its date, whoever has come back by now, so that
 * the order of arrival decides nothing. An account that an operator has given to somebody is theirs, whatever is said of it.
 */
export function isAboutErasedSubject(graph: UnitOfWork, delivery: IncomingDelivery): boolean {
  const { provider, reading, trust } = delivery;
  if (graph.tombstones.size === 0 || reading.kind !== 'EVENTS') return false;
  const receivedAt = toInstantText(delivery.receivedAt);
  return reading.events.some((event) => {
    const subject = pairKey(provider, event.subjectRef);
    const known = graph.identities.get(subject);
    if (known?.linked) return false;
    const said = { event, receivedAt, trust };
    const erasures = [graph.tombstones.get(subject), erasureOfNamed(graph, said)];
    return erasures.some(
      (at) =>
        at !== undefined && (isLateNews(said, at) || (known === undefined && isAboutErasure(said))),
    );
  });
}

/**
 * Whether the user whom an event of a live account names was erased, and does not come back by it: the account is somebody
 * else's by now. An operator said so, or the vendor has named another since.
 */
export function mentionsErasedSubject(
  graph: UnitOfWork,
  { linked }: Pick<IdentityNode, 'linked'>,
  said: RecordedEvent,
): boolean {
  const at = erasureOfNamed(graph, said);
  return at !== undefined && (linked || isLateNews(said, at) || isAboutErasure(said));
}

function erasureOfNamed(
  { tombstones }: Pick<UnitOfWork, 'tombstones'>,
  { event: { externalUserId } }: Pick<RecordedEvent, 'event'>,
): Date | undefined {
  if (tombstones.size === 0 || externalUserId === undefined) return undefined;
  return tombstones.get(userKey(externalUserId));
}

/** Apart from all keys of subjects, which begin with a provider. */
function userKey(externalUserId: string): string {
  return ` ${externalUserId}`;
}
