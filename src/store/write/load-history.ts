/** Reads the events and attempts of identities in pages of bounded size. */

import { AccountTooLargeError } from '../../domain/errors';
import type { VerificationEvent } from '../../domain/event';
import type { AttemptNode, StoredEvent } from '../../projector/unit-of-work';
import { ROW_BYTES } from '../../projector/unit-of-work';
import type { Connection, Flag, Parameter } from '../database/database';

/** Bytes that one statement returns at most, unless a single row is larger. SQL and V8 limit the length of one text. */
export const PAGE_BYTES = 8 * 1024 * 1024;
/**
 * Largest history that is loaded, in bytes, of the users that one delivery or one operation needs: a unit of work is several times
 * as large in memory. A status event without reasons weighs about 230 bytes and `ROW_BYTES`, so this is some 275,000 events.
 */
export const MAX_HISTORY_BYTES = 128 * 1024 * 1024;

/** JSON that is stored as text arrives as text inside of JSON. */
export type JsonText<T> = T | string;

export interface EventRow extends Omit<StoredEvent, 'event'> {
  readonly identityId: number;
  readonly body: JsonText<VerificationEvent>;
}

export interface AttemptRow extends Omit<AttemptNode, 'sandbox' | 'rejection' | 'reviewReasons'> {
  readonly identityId: number;
  readonly sandbox: Flag;
  readonly rejection: JsonText<NonNullable<AttemptNode['rejection']>> | null;
  readonly reviewReasons: JsonText<AttemptNode['reviewReasons']>;
}

/** Receives each page. */
export interface HistorySink {
  readonly addEvents: (rows: readonly EventRow[]) => void;
  readonly addAttempts: (rows: readonly AttemptRow[]) => void;
}

export async function loadHistory(
  connection: Connection,
  identityIds: readonly number[],
  { addEvents, addAttempts }: HistorySink,
): Promise<void> {
  const parameters = [identityIds];
  await loadPages(connection, { sizes: EVENT_SIZES, rows: EVENTS, parameters }, addEvents);
  await loadPages(connection, { sizes: ATTEMPT_SIZES, rows: ATTEMPTS, parameters }, addAttempts);
}

/** @throws {AccountTooLargeError} If the history exceeds `MAX_HISTORY_BYTES`: the caller quarantines what needs it. */
export function assertLoadable(bytes: number): void {
  if (bytes > MAX_HISTORY_BYTES) throw new AccountTooLargeError(MAX_HISTORY_BYTES);
}

/** Two statements: one lists ids with their sizes, the other reads rows by their ids. */
interface PagedQuery {
  readonly sizes: string;
  /** Of `sizes`. */
  readonly parameters: readonly Parameter[];
  readonly rows: string;
}

/** Passes the rows on page by page. A page weighs at most `PAGE_BYTES`, unless a single row is larger. */
export async function loadPages<Row>(
  connection: Connection,
  { sizes, parameters, rows }: PagedQuery,
  pass: (rows: readonly Row[]) => void | Promise<void>,
): Promise<void> {
  const listed = await connection.query<Sized>(sizes, parameters);
  for (const ids of toPages(listed, PAGE_BYTES)) {
    await pass(await connection.query<Row>(rows, [ids]));
  }
}

export interface Sized {
  readonly id: number;
  readonly bytes: number;
}

/** Splits a list so that no part weighs more than `maxBytes`, except a part of one element. */
export function toPages(
  listed: readonly Sized[],
  maxBytes: number,
): readonly (readonly number[])[] {
  const pages: number[][] = [];
  let left = 0;
  for (const { id, bytes } of listed) {
    if (bytes > left || pages.length === 0) {
      pages.push([]);
      left = maxBytes;
    }
    pages.at(-1)?.push(id);
    left -= bytes;
  }
  return pages;
}

const EVENT_SIZES = `
  SELECT id, octet_length(CAST(body AS text)) + ${ROW_BYTES} AS bytes
  FROM events WHERE identity_id IN (?*) ORDER BY id`;

const EVENTS = `
  SELECT id, identity_id AS "identityId", delivery_id AS "deliveryId", key, received_at AS "receivedAt", trust, body
  FROM events WHERE id IN (?*)`;

const ATTEMPT_SIZES = `
  SELECT id, octet_length(CAST(review_reasons AS text)) + coalesce(octet_length(CAST(rejection AS text)), 0)
    + ${ROW_BYTES} AS bytes
  FROM attempts WHERE identity_id IN (?*) ORDER BY id`;

const ATTEMPTS = `
  SELECT a.id, a.identity_id AS "identityId", a.level_key AS "levelKey", l.kind AS "levelKind", a.number,
    a.attempt_ref AS "attemptRef", a.status, a.provider_status AS "providerStatus", a.rejection,
    a.review_reasons AS "reviewReasons", a.trust, a.sandbox, a.started_at AS "startedAt",
    a.updated_at AS "updatedAt", a.decided_at AS "decidedAt"
  FROM attempts a JOIN levels l ON l.key = a.level_key WHERE a.id IN (?*)`;
