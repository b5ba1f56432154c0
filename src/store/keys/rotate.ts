/**
 * Re-encrypts with the current master key what older master keys encrypt directly: data keys of identities, bodies without an
 * identity, and the secrets of the database. Data encrypted with a data key does not change.
 *
 * Runs in steps, each a transaction, while other processes write. Every row has the ID of its key, so an interrupted rotation keeps
 * its finished steps and the next one completes the rest.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditAct, AuditDetails } from '../../domain/audit';
import { StoreUnavailableError } from '../../domain/errors';
import type { KeyRing, Purpose } from '../../encryption/key-ring';
import type { AppendAudit } from '../audit/append';
import type { Connection } from '../database/database';
import { writeSetting } from '../database/settings';
import type { Transact } from '../database/transaction';
import { formatSecret, loadSecrets } from './encrypted-secret';
import {
  checkKeys,
  countKeyUsage,
  deleteProbe,
  type KeyUsage,
  MASTER_KEY_COLUMNS,
} from './master-keys';

export interface RotateDataKeys {
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: () => Date;
  /** Called after each step. `of` may grow while other processes write. */
  readonly onProgress: (progress: { readonly done: number; readonly of: number }) => void;
}

export interface RotationOutcome {
  /** ID of the current master key. */
  readonly current: string;
  /** Number of items that this run re-encrypted. */
  readonly done: number;
  /** Rows (`table id`) that fail to decrypt because they were modified without the key. */
  readonly unreadable: readonly string[];
  /** Numbers of items that each key encrypts after the run. */
  readonly usage: readonly KeyUsage[];
  /** Keys that encrypt nothing any more. The gateway starts without them from now on. */
  readonly unused: readonly string[];
}

export interface RotationOptions {
  readonly connection: Connection;
  readonly transaction: Transact;
  readonly keyRing: KeyRing;
  readonly appendAudit: AppendAudit;
}

/** Maximum number of rows in a step, so that other writers do not wait long. */
const STEP_ROWS = 250;
/** Maximum size of the rows in a step, unless a single row is larger. */
const STEP_BYTES = 1024 * 1024;
/** Attempts of a step, which may fail while other processes write without a pause. */
const MAX_ATTEMPTS = 10;

export function createRotation(
  options: RotationOptions,
): (input: RotateDataKeys) => Promise<RotationOutcome> {
  const { connection, keyRing, appendAudit } = options;
  const transaction: Transact = (work) => retry(() => options.transaction(work));

  return async (input) => {
    const older = await checkKeys(connection, keyRing);
    const ofOlder = (usage: readonly KeyUsage[]) =>
      countItems(usage.filter(({ id }) => older.includes(id)));
    const of = ofOlder(await countKeyUsage(connection));
    // Logged first, so that the audit log contains every rotation that changed something.
    if (of > 0) await transaction((writing) => log(writing, input, { begun: true, items: of }));

    let done = await transaction((writing) => rotateSecrets(writing, keyRing));
    const unreadable: string[] = [];
    for (const keyId of older) {
      for (const part of PARTS) {
        for await (const step of rotateTable(part, keyId)) {
          done += step.done;
          unreadable.push(...step.unreadable);
          input.onProgress({ done, of: Math.max(of, done) });
        }
      }
    }
    return await transaction(async (writing) => {
      const { usage, unused } = await releaseKeys(writing, older);
      const details = { begun: false, items: done, left: ofOlder(usage), unused: unused.join(' ') };
      if (of > 0 || unused.length > 0) await log(writing, input, details);
      return { current: keyRing.current.id, done, unreadable, usage, unused };
    });
  };

  async function* rotateTable(part: Part, keyId: string): AsyncGenerator<Step> {
    for (let after = 0; ; ) {
      const startedAt = performance.now();
      const step = await transaction((writing) => rotateRows(writing, keyRing, part, keyId, after));
      if (step === null) return;
      yield step;
      after = step.lastId;
      await sleep(performance.now() - startedAt); // leaves half of the time to other writers
    }
  }

  function log(
    writing: Connection,
    { auditActor, now }: RotateDataKeys,
    details: AuditDetails,
  ): Promise<void> {
    const act: AuditAct = {
      action: 'DATA_KEYS_ROTATED',
      actor: auditActor,
      subject: null,
      reason: null,
      details: { current: keyRing.current.id, ...details },
      at: now(),
    };
    return appendAudit(writing, [act]);
  }
}

/** Runs in a write transaction, so that no other writer encrypts with a key that is found to be unused. */
async function releaseKeys(
  writing: Connection,
  older: readonly string[],
): Promise<Pick<RotationOutcome, 'usage' | 'unused'>> {
  const usage = await countKeyUsage(writing);
  const unused = older.filter((id) => !usage.some((key) => key.id === id));
  for (const id of unused) await deleteProbe(writing, id);
  return { usage, unused };
}

function countItems(usage: readonly KeyUsage[]): number {
  return usage.reduce((sum, key) => sum + key.dataKeys + key.bodies + key.secrets, 0);
}

// ── Steps ───────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Part {
  readonly table: string;
  /** Column with the ID of the master key. */
  readonly keyId: string;
  readonly id: string;
  /** Column with the encrypted value. */
  readonly value: string;
  readonly purpose: Purpose;
}

const PARTS: readonly Part[] = [
  { ...MASTER_KEY_COLUMNS.dataKeys, id: 'identity_id', value: 'data_key', purpose: 'data-key' },
  { ...MASTER_KEY_COLUMNS.bodies, id: 'id', value: 'body', purpose: 'delivery.body' },
];

interface Step {
  readonly done: number;
  /** See `RotationOutcome.unreadable`. The rows are left unchanged. */
  readonly unreadable: readonly string[];
  /** ID of the last row of the step. */
  readonly lastId: number;
}

/** Returns null if no row after this ID is encrypted with the older key. */
async function rotateRows(
  writing: Connection,
  keyRing: KeyRing,
  { table, keyId, id, value, purpose }: Part,
  older: string,
  after: number,
): Promise<Step | null> {
  const next = await writing.query<{ id: number; size: number }>(
    `SELECT ${id} AS id, octet_length(${value}) AS size FROM ${table}
      WHERE ${keyId} = ? AND ${id} > ? ORDER BY ${id} LIMIT ${STEP_ROWS}`,
    [older, after],
  );
  const ids = limitSize(next);
  const lastId = ids.at(-1);
  if (lastId === undefined) return null;
  const stored = await writing.query<{ id: number; value: Buffer }>(
    `SELECT ${id} AS id, ${value} AS value FROM ${table} WHERE ${id} IN (?*) ORDER BY ${id}`,
    [ids],
  );
  const rows = stored.map((row) => ({
    id: row.id,
    value: reencrypt(keyRing, older, row.value, purpose),
  }));
  const readable = rows.flatMap((row) =>
    row.value === null ? [] : [[row.id, row.value.toString('hex')]],
  );
  const { elements, fromHex } = writing.dialect;
  // Updates rows and inserts none, so that rows deleted since stay deleted.
  await writing.query(
    `UPDATE ${table} SET ${value} = ${fromHex('j.value ->> 1')}, ${keyId} = ?
      FROM ${elements('?')} j WHERE ${table}.${id} = CAST(j.value ->> 0 AS bigint)`,
    [keyRing.current.id, JSON.stringify(readable)],
  );
  const unreadable = rows.flatMap((row) => (row.value === null ? `${table} ${row.id}` : []));
  return { done: readable.length, unreadable, lastId };
}

/** Returns the first row, and further ones up to the maximum size of a step. */
function limitSize(rows: readonly { readonly id: number; readonly size: number }[]): number[] {
  let size = 0;
  const end = rows.findIndex((row, index) => {
    size += row.size;
    return index > 0 && size > STEP_BYTES;
  });
  return rows.slice(0, end === -1 ? rows.length : end).map(({ id }) => id);
}

/** Returns the number of secrets that were re-encrypted. */
async function rotateSecrets(writing: Connection, keyRing: KeyRing): Promise<number> {
  const { current } = keyRing;
  let done = 0;
  for (const { name, keyId, encrypted } of await loadSecrets(writing)) {
    if (keyId === current.id) continue;
    const value = reencrypt(keyRing, keyId, encrypted, 'data-key');
    if (value === null) continue;
    await writeSetting(writing, name, formatSecret(current.id, value));
    done += 1;
  }
  return done;
}

/** Returns null if the value fails to decrypt. */
function reencrypt(
  keyRing: KeyRing,
  keyId: string,
  value: Buffer,
  purpose: Purpose,
): Buffer | null {
  const older = keyRing.getCipher(keyId);
  if (value.length === 0) return value; // an emptied body
  try {
    return keyRing.current.cipher.encrypt(older.decrypt(value, purpose), purpose);
  } catch {
    return null;
  }
}

async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || attempt === MAX_ATTEMPTS) throw error;
      await sleep(100 * attempt);
    }
  }
}
