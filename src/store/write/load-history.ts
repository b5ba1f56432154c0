/** Loads the events and attempts of identities in pages of bounded size. */

import { AccountTooLargeError } from '../../domain/errors';
import type { AttemptNode } from '../../projector/unit-of-work';
import { ROW_BYTES } from '../../projector/unit-of-work';
import type { Connection, Parameter } from '../database/database';
import { AttemptEntity } from '../entities/attempt.entity';
import { getNames, type RowOf, toSelectList } from '../entities/columns';
import { EventEntity } from '../entities/event.entity';
import { LOADED } from './loaded-columns';

/** Maximum size of a page, in bytes, unless a single row is larger. SQL and V8 limit the length of one text. */
export const PAGE_BYTES = 8 * 1024 * 1024;
/**
 * Maximum history of the users that one delivery or operation needs, in bytes. In memory, a unit of work is several times
 * as large. A status event without reasons takes about 230 bytes and `ROW_BYTES`, so the limit is about 275,000 events.
 */
export const MAX_HISTORY_BYTES = 128 * 1024 * 1024;

/** A JSON column as an engine returns it: SQLite returns text. */
export type JsonText<T> = T | string;

export type EventRow = Omit<RowOf<EventEntity>, 'personal'>;
export type LoadedAttemptRow = Omit<RowOf<AttemptEntity>, 'userId'> &
  Pick<AttemptNode, 'levelKind'>;

/** Receives each page. */
export interface HistorySink {
  readonly addEvents: (rows: readonly EventRow[]) => void;
  readonly addAttempts: (rows: readonly LoadedAttemptRow[]) => void;
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

/** @throws {AccountTooLargeError} If the history exceeds `MAX_HISTORY_BYTES`. The caller quarantines the delivery. */
export function assertLoadable(bytes: number): void {
  if (bytes > MAX_HISTORY_BYTES) throw new AccountTooLargeError(MAX_HISTORY_BYTES);
}

/** Two statements: one lists IDs with the sizes of their rows, the other reads rows by ID. */
interface PagedQuery {
  readonly sizes: string;
  /** Parameters of `sizes`. */
  readonly parameters: readonly Parameter[];
  readonly rows: string;
}

/** Passes the rows to `pass`, page by page. A page has at most `PAGE_BYTES`, unless a single row is larger. */
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

/** Splits a list into parts of at most `maxBytes`. A part with a single row may be larger. */
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

const e = getNames(EventEntity);
const a = getNames(AttemptEntity);

const EVENT_SIZES = `
  SELECT id, octet_length(CAST(body AS text)) + ${ROW_BYTES} AS bytes
  FROM events WHERE ${e.identityId} IN (?*) ORDER BY id`;

const EVENTS = `SELECT ${toSelectList(LOADED.events)} FROM events e WHERE e.id IN (?*)`;

const ATTEMPT_SIZES = `
  SELECT id, octet_length(CAST(${a.reviewReasons} AS text)) + coalesce(octet_length(CAST(rejection AS text)), 0)
    + ${ROW_BYTES} AS bytes
  FROM attempts WHERE ${a.identityId} IN (?*) ORDER BY id`;

const ATTEMPTS = `
  SELECT ${toSelectList(LOADED.attempts)}
  FROM attempts a JOIN levels l ON l.key = ${getNames(AttemptEntity, 'a').levelKey} WHERE a.id IN (?*)`;
