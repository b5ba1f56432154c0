/** SQL expressions of PostgreSQL. */

import { ROW_BYTES, TABLES } from '../../projector/unit-of-work';
import type { Dialect } from '../database/database';
import { toSelectList } from '../entities/columns';
import { PAGE_BYTES } from '../write/load-history';
import { LOADED, NAMES } from '../write/loaded-columns';

const { a, c, d, e, i, k, u, v } = NAMES;

/**
 * The expression `provider || ''` matches no index. This forces the planner, which may have no statistics yet, to use the index on
 * the other column.
 */
const LOAD = `
WITH
found AS MATERIALIZED (
  SELECT ${i.userId} AS id
    FROM jsonb_array_elements($1::jsonb -> 'subjects') k
    JOIN identities i ON i.provider = k.value ->> 0 AND ${i.subjectRef} = k.value ->> 1
  UNION
  SELECT coalesce(${u.mergedInto}, u.id)
    FROM jsonb_array_elements_text($1::jsonb -> 'externalUserIds') k
    JOIN users u ON ${u.externalUserId} = k.value
  UNION
  SELECT coalesce(${u.mergedInto}, u.id)
    FROM jsonb_array_elements($1::jsonb -> 'userIds') k
    JOIN users u ON u.id = k.value::bigint
),
found_identities AS MATERIALIZED (
  SELECT i.* FROM found JOIN identities i ON ${i.userId} = found.id
),
history AS MATERIALIZED (
  SELECT (SELECT coalesce(sum(octet_length(e.body::text) + ${ROW_BYTES}), 0)
      FROM found_identities i JOIN events e ON ${e.identityId} = i.id)
    + (SELECT coalesce(sum(octet_length(${a.reviewReasons}::text) + coalesce(octet_length(a.rejection::text), 0) + ${ROW_BYTES}), 0)
      FROM found_identities i JOIN attempts a ON ${a.identityId} = i.id) AS bytes
),
last_deliveries AS MATERIALIZED (
  SELECT k.value AS provider,
    coalesce((SELECT max(d.id) FROM deliveries d
      WHERE d.provider = k.value AND strpos(${d.duplicateKey}, '@') > 0), 0) AS recurring,
    coalesce((SELECT max(d.id) FROM deliveries d
      WHERE d.provider = k.value AND d.disposition = 'QUARANTINED'), 0) AS quarantined
    FROM jsonb_array_elements_text($1::jsonb -> 'lastDeliveriesOf') k
),
known AS (
  SELECT d.id
    FROM jsonb_array_elements($1::jsonb -> 'duplicates') k
    JOIN deliveries d ON ${d.duplicateKey} = k.value ->> 1 AND d.provider || '' = k.value ->> 0
  UNION
  SELECT ${i.undatedDeliveryId} FROM found_identities i WHERE ${i.undatedDeliveryId} IS NOT NULL
  UNION
  SELECT recurring FROM last_deliveries
)
SELECT
  (SELECT json_agg(r) FROM (
    SELECT ${toSelectList(LOADED.users)}
    FROM found JOIN users u ON u.id = found.id) r) AS users,
  (SELECT json_agg(json_build_array(${u.externalUserId}, coalesce(${u.mergedInto}, u.id)))
    FROM jsonb_array_elements_text($1::jsonb -> 'externalUserIds') k
    JOIN users u ON ${u.externalUserId} = k.value) AS aliases,
  (SELECT json_agg(r) FROM (
    SELECT ${toSelectList(LOADED.identities)}, encode(${k.dataKey}, 'hex') AS "dataKeyHex",
      ${k.dataKeyId} AS "dataKeyId"
    FROM found_identities i LEFT JOIN identity_keys k ON ${k.identityId} = i.id) r) AS identities,
  (SELECT bytes FROM history) AS history_bytes,
  CASE WHEN (SELECT bytes FROM history) <= ${PAGE_BYTES} THEN (SELECT json_agg(r) FROM (
    SELECT ${toSelectList(LOADED.events)}
    FROM found_identities i JOIN events e ON ${e.identityId} = i.id) r) END AS events,
  CASE WHEN (SELECT bytes FROM history) <= ${PAGE_BYTES} THEN (SELECT json_agg(r) FROM (
    SELECT ${toSelectList(LOADED.attempts)}
    FROM found_identities i JOIN attempts a ON ${a.identityId} = i.id JOIN levels l ON l.key = ${a.levelKey}) r) END AS attempts,
  (SELECT json_agg(r) FROM (
    SELECT ${toSelectList(LOADED.userLevels)}
    FROM found JOIN user_levels v ON ${v.userId} = found.id) r) AS user_levels,
  (SELECT json_agg(r) FROM (
    SELECT ${toSelectList(LOADED.deliveries)}
    FROM known JOIN deliveries d ON d.id = known.id) r) AS deliveries,
  (SELECT json_agg(json_build_array(provider, recurring, quarantined)) FROM last_deliveries) AS last_deliveries,
  (SELECT json_agg(r) FROM (
    SELECT ${toSelectList(LOADED.credentials)}
    FROM jsonb_array_elements($1::jsonb -> 'credentials') k
    JOIN credentials c ON ${c.credentialRef} = k.value ->> 1 AND c.provider || '' = k.value ->> 0) r) AS credentials,
  (SELECT json_agg(r) FROM (SELECT ${TABLES.join(', ')} FROM sequencer) r) AS last_ids,
  EXISTS (SELECT 1 FROM erased_subjects) AS has_erasures
`;

/**
 * Maximum pause in a transaction that folds more than one page of history, in milliseconds. A history of 106 MiB in 230,000 events
 * took 10 s of computation between two statements. An instance that freezes in it blocks the others for this long.
 */
const LONG_PAUSE_MS = 30_000;

export const POSTGRES: Dialect = {
  head: '(SELECT changes FROM sequencer)',
  jsonList: (value) => `json_agg(${value})`,
  jsonObject: (columns) =>
    `json_build_object(${columns.map(([name, value]) => `'${name}', ${value}`).join(', ')})`,
  elements: (list) => `json_array_elements((${list})::json)`,
  fromHex: (text) => `decode(${text}, 'hex')`,
  toJson: (text) => `${text}::jsonb`,
  load: LOAD,
  allowPause: `SELECT set_config('idle_in_transaction_session_timeout', '${LONG_PAUSE_MS}', true)`,
};
