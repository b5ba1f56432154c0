/** Deliveries as they are kept, and what was made of them: what a replay begins with. */

import type { Profile, VerificationEvent } from '../domain/event';
import type { Instant } from '../domain/instant';
import type { ProviderId } from '../domain/level';
import type { Disposition, Trust } from '../domain/status';
import type { Connection } from './connection';
import type { KeyRing } from './key-ring';
import type { SealedBody } from './sealed-body';
import type { ReplaySelection } from './store';
import { list, where } from './where';

export interface KeptRow extends SealedBody {
  readonly id: number;
  readonly provider: ProviderId;
  readonly receivedAt: string;
  readonly disposition: Disposition;
  readonly reasonCode: string | null;
  readonly reason: string | null;
  readonly eventType: string | null;
  readonly duplicateKey: string;
  readonly subpath: string;
  readonly trust: Trust;
  readonly identityId: number | null;
  readonly events: readonly KeptEvent[];
  readonly credentials: readonly KeptCredential[];
}

export interface KeptEvent {
  readonly id: number;
  readonly key: string;
  readonly userId: number;
  /** With what is personal. */
  readonly event: VerificationEvent;
}

export interface KeptCredential {
  readonly id: number;
  readonly holderRef: string;
  readonly credentialRef: string;
  readonly issuedAt: Instant;
}

/** In the order in which they were kept. */
export async function selectDeliveries(
  connection: Connection,
  selection: ReplaySelection,
): Promise<readonly number[]> {
  const condition = where([
    ['id IN (SELECT value FROM json_each(?))', list(selection.ids)],
    ['provider = ?', selection.provider],
    ['disposition = ?', selection.disposition],
    ['received_at >= ?', selection.receivedFrom?.toISOString()],
    ['received_at < ?', selection.receivedBefore?.toISOString()],
  ]);
  const [row] = await connection.query<{ ids: string }>(
    `SELECT json_group_array(id) AS ids
      FROM (SELECT id FROM deliveries ${condition.sql} ORDER BY id)`,
    condition.parameters,
  );
  return JSON.parse(row?.ids ?? '[]');
}

export async function loadKept(
  connection: Connection,
  keyRing: KeyRing,
  ids: readonly number[],
): Promise<readonly KeptRow[]> {
  const parameters = [JSON.stringify(ids)];
  const rows = await connection.query<Omit<KeptRow, 'events' | 'credentials'>>(
    `SELECT d.id, d.provider, d.received_at AS receivedAt, d.disposition, d.reason_code AS reasonCode, d.reason,
        d.event_type AS eventType, d.duplicate_key AS duplicateKey, d.subpath, d.trust, d.identity_id AS identityId,
        d.body, d.body_key_id AS bodyKeyId, i.data_key AS dataKey, i.data_key_id AS dataKeyId
      FROM deliveries d LEFT JOIN identities i ON i.id = d.identity_id
      WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.id`,
    parameters,
  );
  const events = await connection.query<EventSql>(
    `SELECT e.id, e.delivery_id AS deliveryId, e.key, e.body, e.personal, i.user_id AS userId,
        i.data_key AS dataKey, i.data_key_id AS dataKeyId
      FROM events e JOIN identities i ON i.id = e.identity_id
      WHERE e.delivery_id IN (SELECT value FROM json_each(?))`,
    parameters,
  );
  const credentials = await connection.query<KeptCredential & { deliveryId: number }>(
    `SELECT id, delivery_id AS deliveryId, holder_ref AS holderRef, credential_ref AS credentialRef,
        issued_at AS issuedAt
      FROM credentials WHERE delivery_id IN (SELECT value FROM json_each(?))`,
    parameters,
  );
  return rows.map((row) => ({
    ...row,
    events: events
      .filter(({ deliveryId }) => deliveryId === row.id)
      .map((sql) => toKeptEvent(sql, keyRing)),
    credentials: credentials.filter(({ deliveryId }) => deliveryId === row.id),
  }));
}

interface EventSql extends Omit<KeptEvent, 'event'> {
  readonly deliveryId: number;
  readonly body: string;
  readonly personal: Buffer | null;
  readonly dataKey: Buffer;
  readonly dataKeyId: string;
}

function toKeptEvent(sql: EventSql, keyRing: KeyRing): KeptEvent {
  const { id, key, userId, personal } = sql;
  const event: VerificationEvent = JSON.parse(sql.body);
  if (personal === null || event.type !== 'PROFILE') return { id, key, userId, event };
  const profile: Profile = JSON.parse(
    keyRing.unwrap(sql).open(personal, 'event.personal').toString('utf8'),
  );
  return { id, key, userId, event: { ...event, profile } };
}
