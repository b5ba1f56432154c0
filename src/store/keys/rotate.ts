/**
 * Brings all that lies directly under an older master key under the current one: the data keys of identities, bodies that
 * belong to no identity, and the secrets of this database. What lies under a data key stays as it is.
 *
 * It is done in steps, each a transaction, beside whoever else writes, in this process or another. Every row says under
 * which key it lies, so whatever a step has done is done, and the next run goes on from there.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditAct, AuditDetails } from '../../domain/audit';
import { StoreUnavailableError } from '../../domain/errors';
import type { KeyRing, Purpose } from '../../encryption/key-ring';
import type { AppendAudit } from '../audit/append';
import type { Connection } from '../database/database';
import { writeSetting } from '../database/settings';
import type { Transact } from '../database/transaction';
import { formatSecret, secretsIn } from './encrypted-secret';
import type { KeyHoldings } from './master-keys';
import { checkKeys, dropProbe, toKeyHoldings, UNDER_MASTER_KEYS } from './master-keys';

export interface RotationOptions {
  readonly connection: Connection;
  readonly transaction: Transact;
  readonly keyRing: KeyRing;
  readonly appendAudit: AppendAudit;
}

/** What a step takes, at most: so little that nobody who writes beside it waits long. A single row may be larger. */
const STEP_ROWS = 250;
const STEP_BYTES = 1024 * 1024;
/** Where others write all the time, a step may not get in at once. */
const MAX_ATTEMPTS = 10;

export function createRotation(
  options: RotationOptions,
): (input: RotateDataKeys) => Promise<RotationOutcome> {
  const { connection, keyRing, appendAudit } = options;
  const transaction: Transact = (work) => patiently(() => options.transaction(work));

  return async (input) => {
    const older = await checkKeys(connection, keyRing);
    const of = itemsOf((await toKeyHoldings(connection)).filter(({ id }) => older.includes(id)));
    // Said first, so that nothing is sealed anew of which the audit log does not know.
    if (of > 0) await transaction((writing) => tell(writing, input, { begun: true, items: of }));

    let done = await transaction((writing) => sealSecrets(writing, keyRing));
    const unreadable: string[] = [];
    for (const keyId of older) {
      for (const part of PARTS) {
        for await (const step of steps(part, keyId)) {
          done += step.done;
          unreadable.push(...step.unreadable);
          input.onProgress({ done, of: Math.max(of, done) });
        }
      }
    }
    return await transaction(async (writing) => {
      const { holdings, free } = await release(writing, older);
      const left = itemsOf(holdings.filter(({ id }) => older.includes(id)));
      const details = { begun: false, items: done, left, free: free.join(' ') };
      if (of > 0 || free.length > 0) await tell(writing, input, details);
      return { current: keyRing.current.id, done, unreadable, holdings, free };
    });
  };

  async function* steps(part: Part, keyId: string): AsyncGenerator<Step> {
    for (let after = 0; ; ) {
      const startedAt = performance.now();
      const step = await transaction((writing) => sealRows(writing, keyRing, part, keyId, after));
      if (step === null) return;
      yield step;
      after = step.last;
      await sleep(performance.now() - startedAt); // as long again is for others
    }
  }

  function tell(
    writing: Connection,
    { auditActor: actor, now }: RotateDataKeys,
    details: AuditDetails,
  ): Promise<void> {
    const act: AuditAct = {
      action: 'DATA_KEYS_ROTATED',
      actor,
      subject: null,
      reason: null,
      details: { current: keyRing.current.id, ...details },
      at: now(),
    };
    return appendAudit(writing, [act]);
  }
}

/** Under the lock of whoever writes, so that nothing comes under a key while it is found to hold nothing. */
async function release(
  writing: Connection,
  older: readonly string[],
): Promise<Pick<RotationOutcome, 'holdings' | 'free'>> {
  const holdings = await toKeyHoldings(writing);
  const free = older.filter((id) => !holdings.some((held) => held.id === id));
  for (const id of free) await dropProbe(writing, id);
  return { holdings, free };
}

function itemsOf(holdings: readonly KeyHoldings[]): number {
  return holdings.reduce((sum, held) => sum + held.dataKeys + held.bodies + held.secrets, 0);
}

// ── One step ────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Part {
  readonly table: string;
  /** Column that names the master key. */
  readonly keyId: string;
  readonly id: string;
  /** Column of what lies under it. */
  readonly sealed: string;
  readonly purpose: Purpose;
}

const PARTS: readonly Part[] = [
  { ...UNDER_MASTER_KEYS.dataKeys, id: 'identity_id', sealed: 'data_key', purpose: 'data-key' },
  { ...UNDER_MASTER_KEYS.bodies, id: 'id', sealed: 'body', purpose: 'delivery.body' },
];

interface Step {
  readonly done: number;
  /** Rows that were changed by somebody who has not the key: they are left as they are. */
  readonly unreadable: readonly string[];
  /** Id of the last row that was looked at. */
  readonly last: number;
}

/** @returns `null` where nothing is left after this id. */
async function sealRows(
  writing: Connection,
  keyRing: KeyRing,
  { table, keyId, id, sealed, purpose }: Part,
  older: string,
  after: number,
): Promise<Step | null> {
  const next = await writing.query<{ id: number; size: number }>(
    `SELECT ${id} AS id, octet_length(${sealed}) AS size FROM ${table}
      WHERE ${keyId} = ? AND ${id} > ? ORDER BY ${id} LIMIT ${STEP_ROWS}`,
    [older, after],
  );
  const ids = fitting(next);
  const last = ids.at(-1);
  if (last === undefined) return null;
  const rows = await writing.query<{ id: number; sealed: Buffer }>(
    `SELECT ${id} AS id, ${sealed} AS sealed FROM ${table} WHERE ${id} IN (?*) ORDER BY ${id}`,
    [ids],
  );
  const again = rows.map((row) => ({
    ...row,
    sealed: reseal(keyRing, older, row.sealed, purpose),
  }));
  const readable = again.flatMap((row) =>
    row.sealed === null ? [] : [[row.id, row.sealed.toString('hex')]],
  );
  const { elements, fromHex } = writing.dialect;
  // What somebody has deleted since stays deleted: rows are changed, never added.
  await writing.query(
    `UPDATE ${table} SET ${sealed} = ${fromHex('j.value ->> 1')}, ${keyId} = ?
      FROM ${elements('?')} j WHERE ${table}.${id} = CAST(j.value ->> 0 AS bigint)`,
    [keyRing.current.id, JSON.stringify(readable)],
  );
  const unreadable = again.flatMap((row) => (row.sealed === null ? `${table} ${row.id}` : []));
  return { done: readable.length, unreadable, last };
}

/** The first one always, more while they are not too large together. */
function fitting(rows: readonly { readonly id: number; readonly size: number }[]): number[] {
  let size = 0;
  const end = rows.findIndex((row, index) => {
    size += row.size;
    return index > 0 && size > STEP_BYTES;
  });
  return rows.slice(0, end === -1 ? rows.length : end).map(({ id }) => id);
}

async function sealSecrets(writing: Connection, keyRing: KeyRing): Promise<number> {
  const { current } = keyRing;
  let done = 0;
  for (const { name, keyId, sealed } of await secretsIn(writing)) {
    const again = keyId === current.id ? null : reseal(keyRing, keyId, sealed, 'data-key');
    if (again === null) continue;
    await writeSetting(writing, name, formatSecret(current.id, again));
    done += 1;
  }
  return done;
}

/** `null` where it cannot be opened. */
function reseal(keyRing: KeyRing, keyId: string, sealed: Buffer, purpose: Purpose): Buffer | null {
  const older = keyRing.getCipher(keyId);
  if (sealed.length === 0) return sealed; // its bytes were dropped
  try {
    return keyRing.current.cipher.encrypt(older.decrypt(sealed, purpose), purpose);
  } catch {
    return null;
  }
}

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || attempt === MAX_ATTEMPTS) throw error;
      await sleep(100 * attempt);
    }
  }
}

export interface RotateDataKeys {
  readonly auditActor: string;
  readonly now: () => Date;
  /** @param progress - `of` may grow: others add to what there is. */
  readonly onProgress: (progress: { readonly done: number; readonly of: number }) => void;
}

export interface RotationOutcome {
  /** Id of the master key under which it was brought. */
  readonly current: string;
  /** How much was, by this run. */
  readonly done: number;
  /** Rows, by table and id, that somebody has changed who has not the key: nobody can read them. */
  readonly unreadable: readonly string[];
  /** What every key holds now. */
  readonly holdings: readonly KeyHoldings[];
  /** Keys that hold nothing any more, and without which the gateway starts from now on. */
  readonly free: readonly string[];
}
