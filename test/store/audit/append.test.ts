/** Tests the hash chain of the audit log, which write access to the database is not enough to repair. */

import type { AuditAct } from '../../../src/domain/audit';
import { createAppendAudit } from '../../../src/store/audit/append';
import type { DatabaseConfig } from '../../../src/store/database/options';
import { openStore } from '../../../src/store/open-store';
import type { Store } from '../../../src/store/store';
import { change, ENGINE, query } from '../../support/databases';
import { openTestStore, SILENT } from '../open-test-store';
import { delivery, fractalId } from '../provider-deliveries';

const NOW = new Date('2026-03-01T12:00:00.000Z');

function act(changed: Partial<AuditAct> = {}): AuditAct {
  return {
    action: 'PROFILE_READ',
    actor: 'ApiKey:3 back office',
    subject: 'User:12',
    reason: 'ticket 4711: “née” or not? 🤔',
    details: { requests: 1, whole: true, note: null },
    at: NOW,
    ...changed,
  };
}

async function openWith(entries: number) {
  const opened = await openTestStore();
  const acts = Array.from({ length: entries }, (_, index) => act({ subject: `User:${index + 1}` }));
  await opened.store.audit.record(acts);
  return opened;
}

/** Removes the triggers, as an attacker with full access to the database would. */
async function disarm(database: DatabaseConfig): Promise<void> {
  if (database.kind === 'postgres') {
    await change(database, 'ALTER TABLE audit_entries DISABLE TRIGGER USER');
    return;
  }
  for (const trigger of ['in_order', 'no_update', 'no_delete']) {
    await change(database, `DROP TRIGGER audit_entries_${trigger}`);
  }
}

async function headOf(store: Store) {
  const proof = await store.audit.verify(null);
  if (!proof.ok) throw new Error('the chain is broken');
  return proof.head;
}

describe('the chain', () => {
  it('is valid when empty, and across restarts', async () => {
    const { store, reopen } = await openTestStore();
    expect(await store.audit.verify(null)).toEqual({
      ok: true,
      entries: 0,
      head: { seq: 0, hash: '0'.repeat(64) },
    });
    await store.audit.record([act(), act({ subject: null, reason: null, details: {} })]);
    const reopened = await reopen();
    await reopened.audit.record([act({ action: 'RAW_BODY_READ', subject: 'WebhookDelivery:7' })]);
    const proof = await reopened.audit.verify(null);
    expect(proof).toMatchObject({ ok: true, entries: 3, head: { seq: 3 } });
  });

  it('contains every action unchanged, in the order of logging', async () => {
    const { store } = await openTestStore();
    await Promise.all([
      store.audit.record([act()]),
      store.audit.record([act({ subject: 'User:13' }), act({ subject: 'User:14' })]),
    ]);
    const { rows } = await store.read.auditEntries({}, { first: 10 });
    expect(rows.map(({ row }) => row.seq)).toEqual([3, 2, 1]);
    expect(rows.map(({ row }) => row.subject)).toEqual(['User:14', 'User:13', 'User:12']);
    expect(rows[2]?.row).toMatchObject({ ...act(), seq: 1, previous: '0'.repeat(64) });
    expect(rows[1]?.row.previous).toBe(rows[2]?.row.hash);
  });

  it('is verified in pages', async () => {
    const { store } = await openWith(2_345);
    expect(await store.audit.verify(null)).toMatchObject({ ok: true, entries: 2_345 });
  });

  it('stores text that databases do not store unchanged', async () => {
    const { store } = await openTestStore();
    await store.audit.record([act({ actor: 'a\0b', reason: 'half \uD83E of it' })]);
    expect(await store.audit.verify(null)).toMatchObject({ ok: true, entries: 1 });
  });

  it('has one end with several writers', async () => {
    const shared = await openTestStore();
    const other = await openStore(shared.config, SILENT);
    try {
      const rounds = Array.from({ length: 60 }, (_, round) => round);
      await Promise.all(
        rounds.map(async (round) => {
          const store = round % 2 === 0 ? shared.store : other;
          await store.audit.record([act({ details: { round } }), act({ details: { round } })]);
        }),
      );
      expect(await other.audit.verify(null)).toMatchObject({ ok: true, entries: 120 });
      expect(await shared.store.audit.verify(await headOf(other))).toMatchObject({ ok: true });
    } finally {
      await other.close();
    }
  });

  it('has one end while two stores write deliveries and actions', async () => {
    const shared = await openTestStore();
    const other = await openStore(shared.config, SILENT);
    try {
      await Promise.all(
        Array.from({ length: 40 }, async (_, round) => {
          const [store, beside] = round % 2 === 0 ? [shared.store, other] : [other, shared.store];
          const approval = fractalId('verification_approved', 'basic', `uid-${round}`, 1);
          await Promise.all([
            store.record(delivery('fractal-id', approval, NOW)),
            beside.createUser({ externalUserId: `user-${round}`, auditActor: 'test', now: NOW }),
            store.audit.record([act({ details: { round } })]),
          ]);
        }),
      );
      expect(await shared.store.read.countUsers({})).toBe(80);
      expect(await other.audit.verify(null)).toMatchObject({ ok: true, entries: 80 });
    } finally {
      await other.close();
    }
  });

  it('continues without a gap after a failed write', async () => {
    const { store, database } = await openWith(2);
    await change(database, 'ALTER TABLE audit_entries RENAME TO elsewhere');
    await expect(store.audit.record([act()])).rejects.toThrow();
    await change(database, 'ALTER TABLE elsewhere RENAME TO audit_entries');
    await store.audit.record([act()]);
    expect(await store.audit.verify(null)).toMatchObject({ ok: true, entries: 3 });
  });
});

describe('the database', () => {
  it.each([
    'UPDATE audit_entries SET reason = NULL WHERE seq = 2',
    'DELETE FROM audit_entries WHERE seq = 3',
    'DELETE FROM audit_entries',
    ENGINE === 'postgres'
      ? 'TRUNCATE audit_entries'
      : 'REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE seq = 2',
  ])('refuses %s', async (sql) => {
    const { store, database } = await openWith(3);
    await expect(change(database, sql)).rejects.toThrow(/audit log/);
    expect(await store.audit.verify(null)).toMatchObject({ ok: true, entries: 3 });
  });
});

describe('an attacker with write access to the database', () => {
  it.each([
    ['at', "'2026-03-01T12:00:00.001Z'", 'HASH'],
    ['action', "'RAW_BODY_READ'", 'HASH'],
    ['actor', "'ApiKey:4 back office'", 'HASH'],
    ['subject', "'User:3'", 'HASH'],
    ['subject', 'NULL', 'HASH'],
    ['reason', "replace(reason, '4711', '4712')", 'HASH'],
    ['reason', "''", 'HASH'],
    ['details', "replace(details, '1', '2')", 'HASH'],
    ['details', "replace(details, ':', ': ')", 'HASH'],
    ['previous', 'hash', 'PREVIOUS'],
    ['hash', 'previous', 'HASH'],
  ])('cannot change %s to %s', async (column, value, fault) => {
    const { store, database } = await openWith(4);
    await disarm(database);
    await change(database, `UPDATE audit_entries SET ${column} = ${value} WHERE seq = 2`);
    expect(await store.audit.verify(null)).toEqual({ ok: false, seq: 2, fault });
  });

  it.each([
    ['the first', 'seq = 1', 1],
    ['one in the middle', 'seq = 2', 2],
    ['several', 'seq IN (2, 3)', 2],
  ])('cannot take out %s', async (_, condition, seq) => {
    const { store, database } = await openWith(4);
    await disarm(database);
    await change(database, `DELETE FROM audit_entries WHERE ${condition}`);
    expect(await store.audit.verify(null)).toEqual({ ok: false, seq, fault: 'MISSING' });
  });

  it('cannot delete an entry and renumber the rest', async () => {
    const { store, database } = await openWith(4);
    await disarm(database);
    await change(database, 'DELETE FROM audit_entries WHERE seq = 2');
    await change(database, 'UPDATE audit_entries SET seq = seq - 1 WHERE seq = 3');
    await change(database, 'UPDATE audit_entries SET seq = seq - 1 WHERE seq = 4');
    expect(await store.audit.verify(null)).toEqual({ ok: false, seq: 2, fault: 'PREVIOUS' });
  });

  it('cannot swap two entries', async () => {
    const { store, database } = await openWith(4);
    await disarm(database);
    for (const [from, to] of [
      [2, 99],
      [3, 2],
      [99, 3],
    ]) {
      await change(database, `UPDATE audit_entries SET seq = ${to} WHERE seq = ${from}`);
    }
    expect(await store.audit.verify(null)).toEqual({ ok: false, seq: 2, fault: 'PREVIOUS' });
  });

  it.each([0, -7])('cannot insert an entry before the first, as number %s', async (seq) => {
    const { store, database } = await openWith(2);
    await disarm(database);
    await change(
      database,
      `INSERT INTO audit_entries SELECT ${seq}, at, action, actor, subject, reason, details, previous, hash
        FROM audit_entries WHERE seq = 1`,
    );
    expect(await store.audit.verify(null)).toEqual({ ok: false, seq: 1, fault: 'MISSING' });
  });

  it('cannot create a new chain without the secret', async () => {
    const { store, database } = await openWith(3);
    const [known] = await query<{ value: string }>(
      database,
      "SELECT value FROM settings WHERE name = 'audit_secret'",
    );
    const forged: string[] = [];
    const collecting = {
      dialect: { elements: () => '' },
      async query(_: string, [list]: readonly string[] = []) {
        if (list !== undefined) forged.push(list);
        return [];
      },
    };
    // The secret in the settings is encrypted, so its stored value is useless.
    const guess = Buffer.from(known?.value.split(':')[1] ?? '', 'base64');
    const append = createAppendAudit(guess) as (...given: unknown[]) => Promise<void>;
    await append(collecting, [act({ subject: 'User:99' }), act()]);
    await disarm(database);
    await change(database, 'DELETE FROM audit_entries');
    for (const row of JSON.parse(forged[0] ?? '[]')) {
      const values = row.map((value: unknown) => `'${String(value).replaceAll("'", "''")}'`);
      await change(database, `INSERT INTO audit_entries VALUES (${values.join(', ')})`);
    }
    expect(await store.audit.verify(null)).toEqual({ ok: false, seq: 1, fault: 'HASH' });
  });

  it('can cut off the end only if no later head is known', async () => {
    const { store, database } = await openWith(4);
    const noted = await headOf(store);
    await disarm(database);
    await change(database, 'DELETE FROM audit_entries WHERE seq > 2');
    expect(await store.audit.verify(null)).toMatchObject({ ok: true, entries: 2 });
    expect(await store.audit.verify(noted)).toEqual({ ok: false, seq: 3, fault: 'CUT_OFF' });

    await store.audit.record([act({ subject: 'User:77' }), act({ subject: 'User:78' })]);
    expect(await store.audit.verify(noted)).toEqual({ ok: false, seq: 4, fault: 'UNEXPECTED' });
  });
});
