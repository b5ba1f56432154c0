/** Reads deliveries and their bytes. */

import type { Disposition, Trust } from '../../domain/status';
import {
  BODY_KEYS,
  decryptBody,
  ENCRYPTED_BODY,
  type EncryptedBody,
} from '../../encryption/encrypted-body';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { among, type Clause, oneOf } from '../database/where';
import type { DeliveryFilter, DeliveryRow, Reader } from '../store';
import { groupOne } from './by-id';
import { count } from './count';
import { type KeysetColumns, paginate } from './pagination';

interface DeliverySql extends KeysetColumns {
  readonly provider: string;
  readonly received_at: string;
  readonly duplicates: number;
  readonly trust: Trust;
  readonly disposition: Disposition;
  readonly reason: string | null;
  readonly event_type: string | null;
  readonly user_id: number | null;
}

const COLUMNS = `d.id, d.provider, d.received_at, d.duplicates, d.trust, d.disposition, d.reason, d.event_type,
  i.user_id`;
const FROM = 'deliveries d LEFT JOIN identities i ON i.id = d.identity_id';

type DeliveryReader = Pick<
  Reader,
  'deliveriesByIds' | 'deliveries' | 'countDeliveries' | 'rawBodiesOf'
>;

export function createDeliveryReader(connection: Connection, keyRing: KeyRing): DeliveryReader {
  return {
    async deliveriesByIds(ids) {
      const rows = await connection.query<DeliverySql>(
        `SELECT ${COLUMNS} FROM ${FROM} WHERE d.id IN (?*)`,
        [ids],
      );
      return groupOne(ids, rows, ({ id }) => id, toDeliveryRow);
    },

    deliveries: (filter, page) =>
      paginate<DeliverySql, DeliveryRow>(
        connection,
        {
          select: `${COLUMNS}, d.received_at AS sort_key`,
          from: FROM,
          clauses: clausesOf(filter),
          sortKey: 'd.received_at',
          id: 'd.id',
          direction: 'DESC',
          toRow: toDeliveryRow,
        },
        page,
      ),

    countDeliveries: (filter) => count(connection, FROM, clausesOf(filter)),

    async rawBodiesOf(deliveryIds) {
      const rows = await connection.query<EncryptedBody & { id: number }>(
        `SELECT d.id, ${ENCRYPTED_BODY} FROM deliveries d ${BODY_KEYS} WHERE d.id IN (?*)`,
        [deliveryIds],
      );
      return groupOne(
        deliveryIds,
        rows,
        ({ id }) => id,
        (row) => decryptBody(row, keyRing),
      );
    },
  };
}

function clausesOf(filter: DeliveryFilter): readonly Clause[] {
  return [
    ['d.provider = ?', filter.provider],
    oneOf('d.disposition', filter.disposition),
    ['d.event_type = ?', filter.eventType],
    among('i.user_id', filter.userIds),
    ['d.received_at >= ?', filter.receivedFrom?.toISOString()],
    ['d.received_at < ?', filter.receivedBefore?.toISOString()],
  ];
}

function toDeliveryRow(sql: DeliverySql): DeliveryRow {
  return {
    id: sql.id,
    provider: sql.provider,
    receivedAt: new Date(sql.received_at),
    duplicates: sql.duplicates,
    trust: sql.trust,
    disposition: sql.disposition,
    reason: sql.reason,
    eventType: sql.event_type,
    userId: sql.user_id,
  };
}
