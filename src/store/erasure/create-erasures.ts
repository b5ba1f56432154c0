/** Erasing users, and single accounts of theirs: at once, or once nothing keeps them any more. */

import { GATEWAY_ACTOR } from '../../domain/audit';
import { InvariantError } from '../../domain/errors';
import type { Profile } from '../../domain/event';
import { CLOCK_TOLERANCE_MS } from '../../domain/fold/recorded-event';
import type { StateRules } from '../../domain/fold/user';
import { type Instant, toInstantText } from '../../domain/instant';
import type { KeyRing, WrappedKey } from '../../encryption/key-ring';
import {
  createUnitOfWork,
  type IdentityNode,
  ROW_BYTES,
  type UnitOfWork,
  type UserNode,
} from '../../projector/unit-of-work';
import type { AppendAudit } from '../audit/append';
import type { Connection, Database } from '../database/database';
import type { Transact } from '../database/transaction';
import type { ErasureDigests } from '../keys/erasure-digests';
import { partAccount } from '../part-account';
import { resolveUser } from '../read/users';
import { load } from '../write/load';
import { loadPages } from '../write/load-history';
import { empty, eraseUser } from './erase-user';
import type { EraseOutcome, EraseUser, Erasures } from './erasures';
import { findMentions, type Mentions } from './find-mentions';
import { createLegalHolds, type ErasureHoldConfig, type Hold, toLegalHold } from './legal-holds';
import { createPurgeBodies } from './purge-bodies';
import { dueRequests, postponeRequests, saveRequest, type Target } from './requests';

export interface ErasuresOptions {
  readonly database: Pick<Database, 'longSnapshot' | 'save' | 'wipe' | 'reading'>;
  readonly keyRing: KeyRing;
  readonly erasureDigests: ErasureDigests;
  readonly appendAudit: AppendAudit;
  readonly transaction: Transact;
  readonly rules: StateRules;
  /** For whom nobody says otherwise; `null`: nobody has to be kept. */
  readonly minimumHold: ErasureHoldConfig | null;
}

/** How somebody is erased. */
interface Way extends Omit<EraseUser, 'userId'> {
  /** They were erased before: nothing keeps them, and what is late news of them is told by that time. */
  readonly again: boolean;
  /** When the vendor said that it erased the account; `null`: it was not the vendor who asked. */
  readonly saidAt: Instant | null;
  /** Whether it is written down that somebody asked, also where it was asked for before. */
  readonly asked: boolean;
}

/** Who is to be erased, as they stand. */
interface Subject {
  readonly unit: UnitOfWork;
  readonly user: UserNode;
  /** This account alone; `null`: the whole user. */
  readonly account: IdentityNode | null;
  /** What keeps them. */
  readonly hold: Hold | undefined;
}

/** What was found before the transaction, and by which words. */
interface Findings {
  readonly words: readonly string[];
  readonly mentions: Mentions;
}

const NOTHING: Findings = { words: [], mentions: { ids: [], reached: 0 } };

export function createErasures(options: ErasuresOptions): Erasures {
  const { database, keyRing, erasureDigests, appendAudit, transaction } = options;
  // Counted, since one may be erased while what is left of another is being wiped.
  let toWipe = 1; // nobody knows what the process before this one has left
  let wiped = 0;

  return {
    ...createLegalHolds({ transaction, appendAudit }),

    erase: ({ userId, ...command }) =>
      erase({ userId }, { ...command, again: false, saidAt: null, asked: true }),

    async eraseAccount({ provider, subjectRef, deliveryId, occurredAt, ...command }) {
      const [told] = await database.reading.query<{ identityId: number; receivedAt: string }>(
        `SELECT i.id AS "identityId", d.received_at AS "receivedAt" FROM identities i JOIN deliveries d ON d.id = ?
          WHERE i.provider = ? AND i.subject_ref = ?`,
        [deliveryId, provider, subjectRef],
      );
      if (told === undefined) {
        await transaction((writing) => empty(writing, [deliveryId])); // nothing else tells of them
        return { fault: 'USER_NOT_FOUND' };
      }
      const { identityId, receivedAt } = told;
      const receipt = new Date(receivedAt);
      // A date far ahead of its receipt is none: all that is ever said of the account would be older.
      const latest = toInstantText(new Date(receipt.getTime() + CLOCK_TOLERANCE_MS));
      const dated = occurredAt !== undefined && occurredAt <= latest;
      const saidAt = dated ? occurredAt : toInstantText(receipt);
      return await erase({ identityId }, { ...command, again: false, saidAt, asked: false });
    },

    async runDueErasures(now) {
      const command = { changeActor: GATEWAY_ACTOR, auditActor: GATEWAY_ACTOR, now, again: false };
      let erased = 0;
      const failures: unknown[] = [];
      for (const { target, reason } of await dueRequests(database.reading, now)) {
        try {
          const outcome = await erase(target, { ...command, reason, saidAt: null, asked: false });
          if ('erased' in outcome && outcome.erased) erased += 1;
        } catch (error) {
          failures.push(error); // and keeps nobody else waiting
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, 'some could not be erased');
      return erased;
    },

    async reapplyErasures({ erasedUsers, ...command }) {
      const way = { ...command, again: true, saidAt: null, asked: false };
      const users = await database.reading.query<{ id: number }>(BROUGHT_BACK, [erasedUsers]);
      for (const { id } of users) {
        const others = await database.reading.query<{ id: number }>(KEYED, [id]);
        for (const account of others) {
          await transaction((writing) => partAlive(writing, account.id, way));
        }
        await erase({ userId: id }, way);
      }
      const accounts = await database.reading.query<{ id: number }>(KEYLESS);
      for (const { id } of accounts) await erase({ identityId: id }, way);
      return { users: users.length, accounts: accounts.length };
    },

    postponeRequests: (until) => transaction((connection) => postponeRequests(connection, until)),

    purgeBodies: createPurgeBodies({ reading: database.reading, transaction, appendAudit }),

    async erasedSince(since) {
      const rows = await database.reading.query<{ digest: string; erased_at: string }>(
        'SELECT digest, erased_at FROM erased_subjects WHERE erased_at >= ?',
        [since.toISOString()],
      );
      if (rows.length === 0) return () => null;
      const byDigest = new Map(rows.map((row) => [row.digest, new Date(row.erased_at)]));
      return (externalUserId) =>
        byDigest.get(erasureDigests.tokenHolder(externalUserId)) ??
        byDigest.get(erasureDigests.externalUser(externalUserId)) ?? // of an instance that knows no other yet
        null;
    },

    wipe,
  };

  async function erase(target: Target, way: Way): Promise<EraseOutcome> {
    const found = await database.longSnapshot((view) => lookFor(view, target, way));
    const outcome = await transaction((writing) => eraseOrHold(writing, target, way, found));
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

  /** Takes long, so it is done before the transaction, and for nobody who stays. */
  async function lookFor(view: Connection, target: Target, way: Way): Promise<Findings> {
    const subject = await subjectOf(view, target, way);
    if ('outcome' in subject || subject.hold !== undefined) return NOTHING;
    const words = await wordsOf(view, subject);
    return { words, mentions: await findMentions(view, keyRing, words) };
  }

  async function eraseOrHold(
    connection: Connection,
    target: Target,
    way: Way,
    found: Findings,
  ): Promise<EraseOutcome> {
    const subject = await subjectOf(connection, target, way);
    if ('outcome' in subject) return subject.outcome;
    const { unit, hold, account } = subject;
    if (hold !== undefined) return await holdBack(connection, target, subject.user, hold, way);

    const words = await wordsOf(connection, subject);
    const { ids, reached } = isSame(words, found.words) ? found.mentions : NOTHING.mentions;
    const late = await findMentions(connection, keyRing, words, reached);
    const parted = account === null ? subject : await part(connection, unit, account, way);
    const { user } = parted;
    const mentions = [...(await orphansAmong(connection, ids)), ...late.ids];
    const erased = await eraseUser(parted.unit, connection, erasureDigests, user, mentions, way);
    await database.save(parted.unit);
    const { now, reason, auditActor } = way;
    const details = { ...erased, ...(account !== null && { splitFrom: subject.user.id }) };
    const act = { actor: auditActor, subject: `User:${user.id}`, reason, at: now };
    await appendAudit(connection, [{ ...act, action: 'USER_ERASED', details }]);
    return { userId: user.id, erased: true, erasedAt: now };
  }

  async function holdBack(
    connection: Connection,
    target: Target,
    user: UserNode,
    hold: Hold,
    { now, reason, auditActor, asked }: Way,
  ): Promise<EraseOutcome> {
    const whom = 'userId' in target ? { userId: user.id } : target;
    const fresh = await saveRequest(connection, whom, { reason, now, dueAt: hold.until });
    if (fresh || asked) {
      const account = 'identityId' in target && { identityId: target.identityId };
      const details = { heldUntil: hold.until, basis: hold.basis, ...account };
      const act = { actor: auditActor, subject: `User:${user.id}`, reason, at: now };
      await appendAudit(connection, [{ ...act, action: 'ERASURE_REQUESTED', details }]);
    }
    const heldUntil = hold.until === null ? null : new Date(hold.until);
    return { userId: user.id, erased: false, heldUntil, basis: hold.basis };
  }

  /** @returns the outcome where there is nothing to do. */
  async function subjectOf(
    connection: Connection,
    target: Target,
    { now, again, saidAt }: Way,
  ): Promise<Subject | { readonly outcome: EraseOutcome }> {
    const id = await userIdOf(connection, target);
    const unit = createUnitOfWork();
    if (id !== undefined) {
      await load(unit, connection, keyRing, { userIds: [id], withoutHistory: true });
    }
    const user = id === undefined ? undefined : unit.users.get(id);
    if (user === undefined) return { outcome: { fault: 'USER_NOT_FOUND' } };
    if (user.erasedAt !== null) {
      const erasedAt = new Date(user.erasedAt);
      return { outcome: { userId: user.id, erased: true, erasedAt } };
    }
    const named = 'identityId' in target ? accountOf(user, target.identityId) : null;
    if (named && saidAt !== null && (await hasReturnedSince(connection, named, saidAt))) {
      return { outcome: { fault: 'USER_NOT_FOUND' } }; // whom it was about is not here any more
    }
    // Alone in a copy, it need not have been when it was erased: whether its user was is known.
    const account = user.identities.size > 1 || again ? named : null;
    const hold = again
      ? undefined
      : await toLegalHold(connection, user.id, now, options.minimumHold);
    return { unit, user, account, hold };
  }

  async function partAlive(writing: Connection, identityId: number, way: Way): Promise<void> {
    const subject = await subjectOf(writing, { identityId }, way);
    if ('unit' in subject && subject.account !== null) {
      await part(writing, subject.unit, subject.account, way);
    }
  }

  function part(connection: Connection, unit: UnitOfWork, account: IdentityNode, way: Way) {
    const { changeActor, now } = way;
    const { rules } = options;
    const parting = { connection, save: database.save, keyRing, rules, changeActor, now };
    return partAccount(parting, unit, account);
  }

  /** By which a body that belongs to nobody shows whom it is about. */
  async function wordsOf(
    connection: Connection,
    { user, account }: Pick<Subject, 'user' | 'account'>,
  ): Promise<readonly string[]> {
    const accounts = account === null ? [...user.identities] : [account];
    const names = await connection.query<{ name: string }>(
      `SELECT external_user_id AS name FROM users
        WHERE (id = ? OR merged_into = ?) AND external_user_id IS NOT NULL ORDER BY id`,
      [user.id, user.id],
    );
    const emails = await emailsOf(connection, keyRing, accounts);
    const refs = accounts.map(({ subjectRef }) => subjectRef).sort();
    return [...(account === null ? names.map(({ name }) => name) : []), ...refs, ...emails];
  }
}

async function userIdOf(connection: Connection, target: Target): Promise<number | undefined> {
  if ('userId' in target) return (await resolveUser(connection, target.userId))?.id;
  const [row] = await connection.query<{ userId: number }>(
    'SELECT user_id AS "userId" FROM identities WHERE id = ?',
    [target.identityId],
  );
  return row?.userId;
}

/** A replay in between may have found out whose they are. */
async function orphansAmong(
  connection: Connection,
  deliveryIds: readonly number[],
): Promise<readonly number[]> {
  const rows = await connection.query<{ id: number }>(
    'SELECT id FROM deliveries WHERE id IN (?*) AND identity_id IS NULL',
    [deliveryIds],
  );
  return rows.map(({ id }) => id);
}

function accountOf(user: UserNode, identityId: number): IdentityNode {
  const account = [...user.identities].find(({ id }) => id === identityId);
  if (account === undefined) throw new InvariantError('Account was not loaded with its user');
  return account;
}

/** All that were ever told of the accounts. */
async function emailsOf(
  connection: Connection,
  keyRing: KeyRing,
  accounts: readonly IdentityNode[],
): Promise<readonly string[]> {
  const emails = new Set<string>();
  const parameters = [accounts.map(({ id }) => id)];
  const profiles = { sizes: PROFILE_SIZES, rows: PROFILES, parameters };
  await loadPages<WrappedKey & { readonly personal: Buffer }>(connection, profiles, (rows) => {
    for (const { personal, ...key } of rows) {
      const json = keyRing.unwrap(key).decrypt(personal, 'event.personal').toString('utf8');
      const { email }: Profile = JSON.parse(json);
      if (email !== undefined) emails.add(email);
    }
  });
  return [...emails].sort();
}

const PROFILE_SIZES = `
  SELECT id, octet_length(personal) + ${ROW_BYTES} AS bytes FROM events
  WHERE identity_id IN (?*) AND personal IS NOT NULL ORDER BY id`;

const PROFILES = `
  SELECT e.personal, k.data_key AS "dataKey", k.data_key_id AS "dataKeyId"
  FROM events e JOIN identity_keys k ON k.identity_id = e.identity_id WHERE e.id IN (?*)`;

/**
 * Whether everything stored about the account is newer than the provider's report of its deletion. The report is then about an
 * earlier account with the same ID.
 */
async function hasReturnedSince(
  connection: Connection,
  { id, linked, createdAt }: IdentityNode,
  deletedAt: Instant,
): Promise<boolean> {
  if (linked && toInstantText(new Date(createdAt)) <= deletedAt) return false;
  const [row] = await connection.query<{ first: Instant | null }>(
    `SELECT min(coalesce(body ->> 'occurredAt', received_at)) AS first FROM events
      WHERE identity_id = ? AND NOT (body ->> 'type' = 'ACCOUNT' AND body ->> 'state' = 'DELETED')`,
    [id],
  );
  const first = row?.first ?? null;
  return first === null ? linked : first > deletedAt;
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}

const BROUGHT_BACK = `
  SELECT id FROM users WHERE id IN (?*) AND erased_at IS NULL AND merged_into IS NULL ORDER BY id`;

/** It was somebody else's by the time its user was erased. */
const KEYED = `
  SELECT i.id FROM identities i JOIN identity_keys k ON k.identity_id = i.id
  WHERE i.user_id = ? ORDER BY i.id`;

const KEYLESS = `
  SELECT i.id FROM identities i JOIN users u ON u.id = i.user_id
  WHERE u.erased_at IS NULL AND NOT EXISTS (SELECT 1 FROM identity_keys k WHERE k.identity_id = i.id)
  ORDER BY i.id`;
