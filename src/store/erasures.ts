/** Erasing users: at once, or once nothing keeps them any more. */

import type { ErasureHoldConfig } from '../config/erasure';
import { type AuditAct, GATEWAY_ACTOR } from '../domain/audit';
import type { AppendAudit } from './audit';
import type { Connection, Database } from './database';
import { eraseUser } from './erase-user';
import { keepRequest } from './erasure-requests';
import { findMentions, type Mentions } from './find-mentions';
import { createGraph } from './graph';
import type { KeyRing } from './key-ring';
import { createLegalHolds, holdOf, liveUser } from './legal-holds';
import { loadGraph } from './load-graph';
import type { Pseudonyms } from './pseudonyms';
import { createReader } from './reader';
import { createShedBodies } from './shed-bodies';
import type { EraseOutcome, EraseUser, Erasures } from './store';
import type { Writer } from './writer';

export interface ErasuresOptions {
  readonly database: Pick<Database, 'longSnapshot' | 'save' | 'wipe' | 'reading'>;
  readonly keyRing: KeyRing;
  readonly pseudonyms: Pseudonyms;
  readonly appendAudit: AppendAudit;
  readonly transaction: Writer['transaction'];
  readonly writer: Pick<Writer, 'createUser' | 'linkIdentity'>;
  /** For whom nobody says otherwise; `null`: nobody has to be kept. */
  readonly hold: ErasureHoldConfig | null;
}

/** Requests that are looked at in one round. */
const DUE_CHUNK = 50;

export function createErasures(options: ErasuresOptions): Erasures {
  const { database, keyRing, pseudonyms, appendAudit, transaction, hold: general } = options;
  const { createUser, linkIdentity } = options.writer;
  // Counted, since one may be erased while what is left of another is being wiped.
  let toWipe = 1; // nobody knows what the process before this one has left
  let wiped = 0;

  return {
    ...createLegalHolds({ transaction, appendAudit }),

    erase: (input) => erase(input),

    async carryOut(now) {
      const due = await database.reading.query<{ user_id: number; reason: string | null }>(
        `SELECT user_id, reason FROM erasure_requests WHERE due_at <= ?
          ORDER BY due_at LIMIT ${DUE_CHUNK}`,
        [now.toISOString()],
      );
      let erased = 0;
      const failures: unknown[] = [];
      for (const { user_id: userId, reason } of due) {
        const by = { actor: GATEWAY_ACTOR, by: GATEWAY_ACTOR };
        try {
          const outcome = await erase({ userId, reason, now, ...by });
          if ('erased' in outcome && outcome.erased) erased += 1;
        } catch (error) {
          failures.push(error); // and keeps nobody else waiting
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, 'some could not be erased');
      return erased;
    },

    async eraseKeyless(by) {
      const rows = await database.reading.query<Keyless>(KEYLESS);
      const users = new Set<number>();
      for (const { user_id: owner, provider, subject_ref: subjectRef, others } of rows) {
        let userId = owner;
        if (others > 0) {
          // It was somebody else's by the time it was erased; that one has to stay as they are.
          ({ userId } = await createUser({ externalUserId: null, by: by.by, now: by.now }));
          const { reason: _, ...doer } = by;
          await linkIdentity({ provider, subjectRef, userId, ...doer });
        }
        if (users.has(userId)) continue;
        users.add(userId);
        await erase({ ...by, userId }, null);
      }
      return users.size;
    },

    shedBodies: createShedBodies({ reading: database.reading, transaction, appendAudit }),

    async erasedSince(since) {
      const rows = await database.reading.query<{ digest: string; erased_at: string }>(
        'SELECT digest, erased_at FROM erased_subjects WHERE erased_at >= ?',
        [since.toISOString()],
      );
      if (rows.length === 0) return () => null;
      const byDigest = new Map(rows.map((row) => [row.digest, new Date(row.erased_at)]));
      return (externalUserId) => byDigest.get(pseudonyms.externalUser(externalUserId)) ?? null;
    },

    wipe,
  };

  /** @param rule - Beside holds of operators; nothing keeps whom it was decided about before. */
  async function erase(input: EraseUser, rule = general): Promise<EraseOutcome> {
    const mentions = await database.longSnapshot((view) => mentionsOf(view, input.userId));
    const outcome = await transaction((writing) => eraseOrHold(writing, input, mentions, rule));
    if ('erased' in outcome && outcome.erased) {
      toWipe += 1;
      await wipe();
    }
    return outcome;
  }

  async function wipe(): Promise<boolean> {
    const goal = toWipe;
    if (wiped < goal && (await database.wipe())) wiped = Math.max(wiped, goal);
    return wiped >= goal;
  }

  async function eraseOrHold(
    connection: Connection,
    input: EraseUser,
    seen: Mentions,
    rule: ErasureHoldConfig | null,
  ): Promise<EraseOutcome> {
    const { now, reason, by } = input;
    const graph = createGraph();
    await loadGraph(graph, connection, keyRing, { userIds: [input.userId] });
    const [user] = [...graph.users.values()].filter(({ mergedInto }) => mergedInto === null);
    if (user === undefined) return { fault: 'USER_NOT_FOUND' };
    if (user.erasedAt !== null) {
      return { userId: user.id, erased: true, erasedAt: new Date(user.erasedAt) };
    }
    const act = { actor: by, subject: `User:${user.id}`, reason, at: now };
    const hold = await holdOf(connection, user.id, now, rule);
    if (hold !== undefined) {
      const fresh = await keepRequest(connection, user.id, { reason, now, dueAt: hold.until });
      const details = { heldUntil: hold.until, basis: hold.basis };
      const acts: AuditAct[] = [{ ...act, action: 'ERASURE_REQUESTED', details }];
      if (fresh) await appendAudit(connection, acts);
      const heldUntil = hold.until === null ? null : new Date(hold.until);
      return { userId: user.id, erased: false, heldUntil, basis: hold.basis };
    }

    const words = await wordsOf(connection, user.id);
    const late = await findMentions(connection, keyRing, words, seen.reached);
    const mentions = [...seen.ids, ...late.ids];
    const details = await eraseUser(graph, connection, pseudonyms, user, mentions, input);
    await database.save(graph, null);
    const acts: AuditAct[] = [{ ...act, action: 'USER_ERASED', details: { ...details } }];
    await appendAudit(connection, acts);
    return { userId: user.id, erased: true, erasedAt: now };
  }

  async function mentionsOf(view: Connection, userId: number): Promise<Mentions> {
    const user = await liveUser(view, userId);
    const words = user === undefined ? [] : await wordsOf(view, user.id);
    return await findMentions(view, keyRing, words);
  }

  /** By which a body that belongs to nobody shows whom it is about. */
  async function wordsOf(connection: Connection, userId: number): Promise<readonly string[]> {
    const rows = await connection.query<{ word: string }>(
      `SELECT external_user_id AS word FROM users
          WHERE (id = ? OR merged_into = ?) AND external_user_id IS NOT NULL
        UNION SELECT subject_ref FROM identities WHERE user_id = ?`,
      [userId, userId, userId],
    );
    const [profile] = await createReader(connection, keyRing).profilesOf([userId]);
    const { email } = profile ?? {};
    return [...rows.map(({ word }) => word), ...(email === undefined ? [] : [email])];
  }
}

interface Keyless {
  readonly user_id: number;
  readonly provider: string;
  readonly subject_ref: string;
  /** Accounts of the same user that have a key. */
  readonly others: number;
}

const KEYLESS = `
  SELECT i.user_id, i.provider, i.subject_ref,
    (SELECT count(*) FROM identities o JOIN identity_keys k ON k.identity_id = o.id
      WHERE o.user_id = i.user_id) AS others
  FROM identities i JOIN users u ON u.id = i.user_id
  WHERE u.erased_at IS NULL AND NOT EXISTS (SELECT 1 FROM identity_keys k WHERE k.identity_id = i.id)
  ORDER BY i.id`;
