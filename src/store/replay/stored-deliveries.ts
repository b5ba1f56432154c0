/** Selects stored deliveries for a replay, and loads them with their events and credentials. */

import type { Profile, VerificationEvent } from '../../domain/event';
import type { Instant } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';
import type { Disposition, Trust } from '../../domain/status';
import type { EncryptedBody } from '../../encryption/encrypted-body';
import { type KeyRing, type StoredKey, unwrapKey } from '../../encryption/key-ring';
import type { KnownDelivery } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import { among, where } from '../database/where';
import { getNames, getPropertyColumns, toSelectList } from '../entities/columns';
import { CredentialEntity } from '../entities/credential.entity';
import { DeliveryEntity } from '../entities/delivery.entity';
import { EventEntity } from '../entities/event.entity';
import { IdentityKeyEntity } from '../entities/identity.entity';
import { ENCRYPTED_BODY_COLUMNS, IDENTITY_KEYS_JOIN } from '../read/deliveries';
import { NAMES } from '../write/loaded-columns';

const { receivedAt } = getNames(DeliveryEntity);

/** Columns of `deliveries d` without the encrypted body. */
const DELIVERY_COLUMNS = toSelectList(
  getPropertyColumns(DeliveryEntity, 'd', { except: ['duplicates', 'body', 'bodyKeyId'] }),
);

const EVENT_COLUMNS = toSelectList([
  ...getPropertyColumns(EventEntity, 'e', {
    only: ['id', 'deliveryId', 'key', 'body', 'personal'],
  }),
  ['userId', NAMES.i.userId],
  ...getPropertyColumns(IdentityKeyEntity, 'k', { except: ['identityId'] }),
]);

const CREDENTIAL_COLUMNS = toSelectList(
  getPropertyColumns(CredentialEntity, 'c', { except: ['provider'] }),
);

export interface StoredDeliveryRow extends KnownDelivery, EncryptedBody {
  readonly reasonCode: string | null;
  readonly reason: string | null;
  readonly eventType: string | null;
  readonly subpath: string;
  readonly trust: Trust;
  readonly identityId: number | null;
  readonly events: readonly ReplayedEvent[];
  readonly credentials: readonly ReplayedCredential[];
}

interface ReplayedEvent {
  readonly id: number;
  readonly key: string;
  readonly userId: number;
  /** Includes personal data. */
  readonly event: VerificationEvent;
}

interface ReplayedCredential {
  readonly id: number;
  readonly holderRef: string;
  readonly credentialRef: string;
  readonly issuedAt: Instant;
}

/** Returns IDs in the order of receipt. */
export async function selectDeliveries(
  connection: Connection,
  selection: ReplaySelection,
): Promise<readonly number[]> {
  const condition = where([
    among('id', selection.ids),
    ['provider = ?', selection.provider],
    ['disposition = ?', selection.disposition],
    [`${receivedAt} >= ?`, selection.receivedFrom?.toISOString()],
    [`${receivedAt} < ?`, selection.receivedBefore?.toISOString()],
  ]);
  const [row] = await connection.query<{ ids: string | null }>(
    `SELECT ${connection.dialect.jsonList('id')} AS ids
      FROM (SELECT id FROM deliveries ${condition.sql} ORDER BY id) selected`,
    condition.parameters,
  );
  return JSON.parse(row?.ids ?? '[]');
}

export async function loadStoredDeliveries(
  connection: Connection,
  keyRing: KeyRing,
  ids: readonly number[],
): Promise<readonly StoredDeliveryRow[]> {
  const parameters = [ids];
  const rows = await connection.query<Omit<StoredDeliveryRow, 'events' | 'credentials'>>(
    `SELECT ${DELIVERY_COLUMNS},
        ${ENCRYPTED_BODY_COLUMNS}
      FROM deliveries d ${IDENTITY_KEYS_JOIN}
      WHERE d.id IN (?*) ORDER BY d.id`,
    parameters,
  );
  const events = await connection.query<EventSql>(
    `SELECT ${EVENT_COLUMNS}
      FROM events e JOIN identities i ON i.id = ${NAMES.e.identityId} LEFT JOIN identity_keys k ON ${NAMES.k.identityId} = i.id
      WHERE ${NAMES.e.deliveryId} IN (?*)`,
    parameters,
  );
  const credentials = await connection.query<ReplayedCredential & { deliveryId: number }>(
    `SELECT ${CREDENTIAL_COLUMNS}
      FROM credentials c WHERE ${NAMES.c.deliveryId} IN (?*)`,
    parameters,
  );
  return rows.map((row) => ({
    ...row,
    events: events
      .filter(({ deliveryId }) => deliveryId === row.id)
      .map((sql) => toReplayedEvent(sql, keyRing)),
    credentials: credentials.filter(({ deliveryId }) => deliveryId === row.id),
  }));
}

interface EventSql extends Omit<ReplayedEvent, 'event'>, StoredKey {
  readonly deliveryId: number;
  readonly body: string;
  readonly personal: Buffer | null;
}

function toReplayedEvent(sql: EventSql, keyRing: KeyRing): ReplayedEvent {
  const { id, key, userId, personal } = sql;
  const event: VerificationEvent = JSON.parse(sql.body);
  const cipher = unwrapKey(keyRing, sql);
  if (personal === null || cipher === undefined || event.type !== 'PROFILE') {
    return { id, key, userId, event };
  }
  const profile: Profile = JSON.parse(cipher.decrypt(personal, 'event.personal').toString('utf8'));
  return { id, key, userId, event: { ...event, profile } };
}

/** Deliveries that match all given conditions. */
export interface ReplaySelection {
  readonly ids?: readonly number[];
  readonly provider?: ProviderId;
  readonly disposition?: Disposition;
  readonly receivedFrom?: Date;
  readonly receivedBefore?: Date;
}
