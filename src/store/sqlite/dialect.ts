/** SQL expressions of SQLite. */

import { ROW_BYTES } from '../../projector/unit-of-work';
import type { Dialect } from '../database/database';
import { getNames } from '../entities/columns';
import { DeliveryEntity } from '../entities/delivery.entity';
import { PAGE_BYTES } from '../write/load-history';
import { LOADED, NAMES } from '../write/loaded-columns';

const { a, c, d, e, i, k, u, v } = NAMES;
const { duplicateKey } = getNames(DeliveryEntity);

function jsonObject(columns: readonly (readonly [name: string, value: string])[]): string {
  return `json_object(${columns.map(([name, value]) => `'${name}', ${value}`).join(', ')})`;
}

const DATA_KEY = [
  ['dataKeyHex', `iif(${k.dataKey} IS NULL, NULL, hex(${k.dataKey}))`],
  ['dataKeyId', k.dataKeyId],
] as const;

const LOAD = `
WITH
found AS (
  SELECT ${i.userId} AS id
    FROM json_each(?1, '$.subjects') k
    CROSS JOIN identities i ON i.provider = k.value ->> 0 AND ${i.subjectRef} = k.value ->> 1
  UNION
  SELECT coalesce(${u.mergedInto}, u.id)
    FROM json_each(?1, '$.externalUserIds') k
    CROSS JOIN users u ON ${u.externalUserId} = k.value
  UNION
  SELECT coalesce(${u.mergedInto}, u.id)
    FROM json_each(?1, '$.userIds') k
    CROSS JOIN users u ON u.id = k.value
),
found_identities AS (
  SELECT i.* FROM found CROSS JOIN identities i ON ${i.userId} = found.id
),
history AS (
  SELECT (SELECT coalesce(sum(octet_length(e.body) + ${ROW_BYTES}), 0)
      FROM found_identities i CROSS JOIN events e ON ${e.identityId} = i.id)
    + (SELECT coalesce(sum(octet_length(${a.reviewReasons}) + coalesce(octet_length(a.rejection), 0) + ${ROW_BYTES}), 0)
      FROM found_identities i CROSS JOIN attempts a ON ${a.identityId} = i.id) AS bytes
),
last_deliveries AS (
  SELECT k.value AS provider,
    coalesce((SELECT max(d.id) FROM deliveries d
      WHERE d.provider = k.value AND instr(${d.duplicateKey}, '@') > 0), 0) AS recurring,
    coalesce((SELECT max(d.id) FROM deliveries d
      WHERE d.provider = k.value AND d.disposition = 'QUARANTINED'), 0) AS quarantined
    FROM json_each(?1, '$.lastDeliveriesOf') k
)
SELECT
  (SELECT json_group_array(${jsonObject(LOADED.users)})
    FROM found CROSS JOIN users u ON u.id = found.id) AS users,
  (SELECT json_group_array(json_array(${u.externalUserId}, coalesce(${u.mergedInto}, u.id)))
    FROM json_each(?1, '$.externalUserIds') k
    CROSS JOIN users u ON ${u.externalUserId} = k.value) AS aliases,
  (SELECT json_group_array(${jsonObject([...LOADED.identities, ...DATA_KEY])})
    FROM found_identities i LEFT JOIN identity_keys k ON ${k.identityId} = i.id) AS identities,
  (SELECT bytes FROM history) AS history_bytes,
  iif((SELECT bytes FROM history) > ${PAGE_BYTES}, NULL, (SELECT json_group_array(${jsonObject(LOADED.events)})
    FROM found_identities i CROSS JOIN events e ON ${e.identityId} = i.id)) AS events,
  iif((SELECT bytes FROM history) > ${PAGE_BYTES}, NULL, (SELECT json_group_array(${jsonObject(LOADED.attempts)})
    FROM found_identities i CROSS JOIN attempts a ON ${a.identityId} = i.id JOIN levels l ON l.key = ${a.levelKey})) AS attempts,
  (SELECT json_group_array(${jsonObject(LOADED.userLevels)})
    FROM found CROSS JOIN user_levels v ON ${v.userId} = found.id) AS user_levels,
  (SELECT json_group_array(${jsonObject(LOADED.deliveries)})
    FROM deliveries d WHERE d.id IN (
      SELECT k2.id FROM json_each(?1, '$.duplicates') k
        CROSS JOIN deliveries k2 ON k2.provider = k.value ->> 0 AND k2.${duplicateKey} = k.value ->> 1
      UNION
      SELECT ${i.undatedDeliveryId} FROM found_identities i WHERE ${i.undatedDeliveryId} IS NOT NULL
      UNION
      SELECT recurring FROM last_deliveries
    )) AS deliveries,
  (SELECT json_group_array(json_array(provider, recurring, quarantined)) FROM last_deliveries) AS last_deliveries,
  (SELECT json_group_array(${jsonObject(LOADED.credentials)})
    FROM json_each(?1, '$.credentials') k
    CROSS JOIN credentials c ON c.provider = k.value ->> 0 AND ${c.credentialRef} = k.value ->> 1) AS credentials,
  (SELECT json_array(json_group_object(name, seq)) FROM sqlite_sequence) AS last_ids,
  EXISTS (SELECT 1 FROM erased_subjects) AS has_erasures
`;

export const SQLITE: Dialect = {
  head: "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0)",
  jsonList: (value) => `json_group_array(${value})`,
  jsonObject,
  elements: (list) => `json_each(${list})`,
  fromHex: (text) => `unhex(${text})`,
  toJson: (text) => text,
  load: LOAD,
  allowPause: null,
};
