/**
 * Removes free text of the provider from attempts and the change log, in an open transaction. Reads and writes pages of bounded
 * size, because a user may have a hundred thousand attempts.
 */

import type { Rejection } from '../../domain/change';
import { withoutFreeText, withoutProviderText } from '../../domain/erasure';
import type { Reason } from '../../domain/event';
import type { Connection } from '../database/database';
import { type JsonText, loadPages } from '../write/load-history';

interface AttemptSql {
  readonly id: number;
  readonly rejection: JsonText<Rejection> | null;
  readonly reasons: JsonText<readonly Reason[]>;
}

interface ChangeSql {
  readonly id: number;
  readonly rejection: JsonText<Rejection>;
}

/** @param userIds - The user, and all users merged into it. */
export async function removeProviderText(
  connection: Connection,
  identityIds: readonly number[],
  userIds: readonly number[],
): Promise<void> {
  const { elements, toJson } = connection.dialect;
  const attempts = { sizes: ATTEMPT_SIZES, rows: ATTEMPTS, parameters: [identityIds] };
  await loadPages<AttemptSql>(connection, attempts, async (rows) => {
    const cleaned = rows.map(({ id, rejection, reasons }) => [
      id,
      rejection === null ? null : JSON.stringify(withoutProviderText(parse(rejection))),
      JSON.stringify(withoutFreeText(parse(reasons))),
    ]);
    await connection.query(
      `UPDATE attempts SET rejection = ${toJson('(j.value ->> 1)')}, review_reasons = ${toJson('(j.value ->> 2)')}
        FROM ${elements('?')} j WHERE attempts.id = CAST(j.value ->> 0 AS bigint)`,
      [JSON.stringify(cleaned)],
    );
  });
  const changes = { sizes: CHANGE_SIZES, rows: CHANGES, parameters: [identityIds, userIds] };
  await loadPages<ChangeSql>(connection, changes, async (rows) => {
    const cleaned = rows.map(({ id, rejection }) => [
      id,
      JSON.stringify(withoutProviderText(parse(rejection))),
    ]);
    await connection.query(
      `UPDATE changes SET rejection = ${toJson('(j.value ->> 1)')}
        FROM ${elements('?')} j WHERE changes.id = CAST(j.value ->> 0 AS bigint)`,
      [JSON.stringify(cleaned)],
    );
  });
}

function parse<T>(json: JsonText<T>): T {
  return typeof json === 'string' ? JSON.parse(json) : json;
}

const ATTEMPT_SIZES = `
  SELECT id, octet_length(CAST(review_reasons AS text)) + coalesce(octet_length(CAST(rejection AS text)), 0) + 64 AS bytes
  FROM attempts WHERE identity_id IN (?*)
    AND (rejection IS NOT NULL OR octet_length(CAST(review_reasons AS text)) > 2) ORDER BY id`;

const ATTEMPTS = `
  SELECT id, rejection, review_reasons AS reasons FROM attempts WHERE id IN (?*)`;

/** Includes entries of another user, logged before the identity moved. */
const CHANGE_SIZES = `
  SELECT id, octet_length(CAST(rejection AS text)) + 64 AS bytes FROM changes WHERE rejection IS NOT NULL
    AND attempt_id IN (SELECT a.id FROM attempts a WHERE a.identity_id IN (?*))
  UNION
  SELECT id, octet_length(CAST(rejection AS text)) + 64 FROM changes WHERE rejection IS NOT NULL
    AND user_id IN (?*)
  ORDER BY id`;

const CHANGES = 'SELECT id, rejection FROM changes WHERE id IN (?*)';
