/** Reads deliveries and their raw bodies. */

import { decryptBody, type EncryptedBody } from '../../encryption/encrypted-body';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { among, type Clause, oneOf } from '../database/where';
import {
  createRowReader,
  getNames,
  getPropertyColumns,
  type RowReader,
  toSelectList,
} from '../entities/columns';
import { DeliveryEntity } from '../entities/delivery.entity';
import { IdentityEntity, IdentityKeyEntity } from '../entities/identity.entity';
import { groupOne } from './by-id';
import type { DeliveryFilter } from './filters';
import { count, type KeysetColumns, paginate } from './pagination';
import type { DeliveryRow, Reader } from './reader';

/** Columns of an `EncryptedBody`: of deliveries as `d`, with the data keys of their identities as `k`. */
export const ENCRYPTED_BODY_COLUMNS = toSelectList([
  ...getPropertyColumns(DeliveryEntity, 'd', { only: ['body', 'bodyKeyId'] }),
  ...getPropertyColumns(IdentityKeyEntity, 'k', { except: ['identityId'] }),
]);
const d = getNames(DeliveryEntity, 'd');
export const IDENTITY_KEYS_JOIN = `LEFT JOIN identity_keys k ON ${getNames(IdentityKeyEntity, 'k').identityId} = ${d.identityId}`;

const { userId } = getNames(IdentityEntity, 'i');

const DELIVERY: RowReader<DeliveryRow> = createRowReader(DeliveryEntity, 'd', {
  except: ['duplicateKey', 'reasonCode', 'subpath', 'identityId', 'body', 'bodyKeyId'],
  dates: ['receivedAt'],
  computed: { userId },
});
const FROM = `deliveries d LEFT JOIN identities i ON i.id = ${d.identityId}`;

type DeliveryReader = Pick<
  Reader,
  'deliveriesByIds' | 'deliveries' | 'countDeliveries' | 'rawBodiesOf'
>;

export function createDeliveryReader(connection: Connection, keyRing: KeyRing): DeliveryReader {
  return {
    async deliveriesByIds(ids) {
      const rows = await connection.query<KeysetColumns>(
        `SELECT ${DELIVERY.select} FROM ${FROM} WHERE d.id IN (?*)`,
        [ids],
      );
      return groupOne(
        ids,
        rows.map((row) => [row.id, DELIVERY.toRow(row)]),
      );
    },

    deliveries: (filter, page) =>
      paginate(
        connection,
        {
          select: `${DELIVERY.select}, ${d.receivedAt} AS sort_key`,
          from: FROM,
          clauses: toClauses(filter),
          sortKey: d.receivedAt,
          id: 'd.id',
          direction: 'DESC',
          toRow: DELIVERY.toRow,
        },
        page,
      ),

    countDeliveries: (filter) => count(connection, FROM, toClauses(filter)),

    async rawBodiesOf(deliveryIds) {
      const rows = await connection.query<EncryptedBody & { id: number }>(
        `SELECT d.id, ${ENCRYPTED_BODY_COLUMNS} FROM deliveries d ${IDENTITY_KEYS_JOIN} WHERE d.id IN (?*)`,
        [deliveryIds],
      );
      return groupOne(
        deliveryIds,
        rows.map((row) => [row.id, decryptBody(row, keyRing)]),
      );
    },
  };
}

function toClauses(filter: DeliveryFilter): readonly Clause[] {
  return [
    ['d.provider = ?', filter.provider],
    oneOf('d.disposition', filter.disposition),
    [`${d.eventType} = ?`, filter.eventType],
    among(userId, filter.userIds),
    [`${d.receivedAt} >= ?`, filter.receivedFrom?.toISOString()],
    [`${d.receivedAt} < ?`, filter.receivedBefore?.toISOString()],
  ];
}
