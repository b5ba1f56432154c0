/**
 * Erases one user or identity, or stores the request while a hold applies.
 *
 * Deliveries that mention the person are searched on a snapshot first, because that takes long. The transaction then searches
 * only what was stored since.
 */

import { InvariantError } from '../../domain/errors';
import type { StateRules } from '../../domain/fold/user';
import { type Instant, toInstantText } from '../../domain/instant';
import type { KeyRing } from '../../encryption/key-ring';
import {
  createUnitOfWork,
  type IdentityNode,
  type UnitOfWork,
  type UserNode,
} from '../../projector/unit-of-work';
import type { AppendAudit } from '../audit/append';
import type { Connection, Database } from '../database/database';
import type { Transact } from '../database/transaction';
import { getNames } from '../entities/columns';
import { EventEntity } from '../entities/event.entity';
import type { ErasureDigests } from '../keys/erasure-digests';
import { resolveUser } from '../read/users';
import { load } from '../write/load';
import { eraseUser } from './erase-user';
import type { EraseOutcome, EraseUser } from './erasures';
import { findMentions, type Mentions } from './find-mentions';
import { type ErasureHoldConfig, findLongestHold, type Hold } from './legal-holds';
import { saveRequest, type Target } from './requests';
import { loadSearchTerms } from './search-terms';
import { splitIdentity } from './split-identity';

export interface EraserOptions {
  readonly database: Pick<Database, 'longSnapshot' | 'save'>;
  readonly keyRing: KeyRing;
  readonly erasureDigests: ErasureDigests;
  readonly appendAudit: AppendAudit;
  readonly transaction: Transact;
  readonly rules: StateRules;
  /** Minimum retention of all users. If null, only legal holds apply. */
  readonly minimumHold: ErasureHoldConfig | null;
}

/** Reason and circumstances of an erasure. */
export interface ErasureContext extends Omit<EraseUser, 'userId'> {
  /** Whether this repeats an earlier erasure after a restore. No hold applies then. */
  readonly reapply: boolean;
  /** Time at which the provider reported the deletion. Null if the provider did not request the erasure. */
  readonly reportedAt: Instant | null;
  /** Whether to log the request even if one is already pending. */
  readonly logRequest: boolean;
}

interface Subject {
  readonly unit: UnitOfWork;
  readonly user: UserNode;
  /** The only identity to erase. If null, the whole user is erased. */
  readonly identity: IdentityNode | null;
  readonly hold: Hold | undefined;
}

/** Result of the search on the snapshot, and its terms. */
interface Search {
  readonly terms: readonly string[];
  readonly mentions: Mentions;
}

const NO_SEARCH: Search = { terms: [], mentions: { ids: [], lastId: 0 } };

export class Eraser {
  constructor(private readonly options: EraserOptions) {}

  async erase(target: Target, context: ErasureContext): Promise<EraseOutcome> {
    const { database, transaction } = this.options;
    const search = await database.longSnapshot((view) => this.#search(view, target, context));
    return await transaction((writing) => this.#eraseOrDefer(writing, target, context, search));
  }

  /** Makes the identity a user of its own, unless it is the only one of its user. */
  async split(identityId: number, context: ErasureContext): Promise<void> {
    await this.options.transaction(async (writing) => {
      const subject = await this.#loadSubject(writing, { identityId }, context);
      if ('unit' in subject && subject.identity !== null) {
        await this.#split(writing, subject.unit, subject.identity, context);
      }
    });
  }

  async #search(view: Connection, target: Target, context: ErasureContext): Promise<Search> {
    const { keyRing } = this.options;
    const subject = await this.#loadSubject(view, target, context);
    if ('outcome' in subject || subject.hold !== undefined) return NO_SEARCH;
    const terms = await loadSearchTerms(view, keyRing, subject.user, subject.identity);
    return { terms, mentions: await findMentions(view, keyRing, terms) };
  }

  async #eraseOrDefer(
    connection: Connection,
    target: Target,
    context: ErasureContext,
    search: Search,
  ): Promise<EraseOutcome> {
    const subject = await this.#loadSubject(connection, target, context);
    if ('outcome' in subject) return subject.outcome;
    const { user, hold } = subject;
    if (hold !== undefined) return await this.#defer(connection, target, user, hold, context);
    return await this.#eraseNow(connection, subject, context, search);
  }

  async #eraseNow(
    connection: Connection,
    { unit, user, identity }: Subject,
    context: ErasureContext,
    search: Search,
  ): Promise<EraseOutcome> {
    const { database, keyRing, erasureDigests, appendAudit } = this.options;
    const terms = await loadSearchTerms(connection, keyRing, user, identity);
    const known = isEqual(terms, search.terms) ? search.mentions : NO_SEARCH.mentions;
    const added = await findMentions(connection, keyRing, terms, known.lastId);
    const mentions = [...(await keepUnassigned(connection, known.ids)), ...added.ids];
    const erased =
      identity === null ? { unit, user } : await this.#split(connection, unit, identity, context);

    const counts = await eraseUser({ connection, erasureDigests, ...erased, mentions, ...context });
    await database.save(erased.unit);

    const { now, reason, auditActor } = context;
    const details = { ...counts, ...(identity !== null && { splitFrom: user.id }) };
    const act = { actor: auditActor, subject: `User:${erased.user.id}`, reason, at: now };
    await appendAudit(connection, [{ ...act, action: 'USER_ERASED', details }]);
    return { userId: erased.user.id, erased: true, erasedAt: now };
  }

  async #defer(
    connection: Connection,
    target: Target,
    user: UserNode,
    { until, basis }: Hold,
    { now, reason, auditActor, logRequest }: ErasureContext,
  ): Promise<EraseOutcome> {
    const resolved = 'userId' in target ? { userId: user.id } : target;
    const isNew = await saveRequest(connection, resolved, { reason, now, dueAt: until });
    if (isNew || logRequest) {
      const identity = 'identityId' in target && { identityId: target.identityId };
      const details = { heldUntil: until, basis, ...identity };
      const act = { actor: auditActor, subject: `User:${user.id}`, reason, at: now };
      await this.options.appendAudit(connection, [
        { ...act, action: 'ERASURE_REQUESTED', details },
      ]);
    }
    const heldUntil = until === null ? null : new Date(until);
    return { userId: user.id, erased: false, heldUntil, basis };
  }

  /** Returns the outcome instead if there is nothing to erase. */
  async #loadSubject(
    connection: Connection,
    target: Target,
    { now, reapply, reportedAt }: ErasureContext,
  ): Promise<Subject | { readonly outcome: EraseOutcome }> {
    const { keyRing, minimumHold } = this.options;
    const userId = await findUserId(connection, target);
    const unit = createUnitOfWork();
    if (userId !== undefined) {
      await load(unit, connection, keyRing, { userIds: [userId], withoutHistory: true });
    }
    const user = userId === undefined ? undefined : unit.users.get(userId);
    if (user === undefined) return { outcome: { fault: 'USER_NOT_FOUND' } };
    if (user.erasedAt !== null) {
      return { outcome: { userId: user.id, erased: true, erasedAt: new Date(user.erasedAt) } };
    }
    const found = 'identityId' in target ? getIdentity(user, target.identityId) : null;
    if (found && reportedAt !== null && (await hasReturnedSince(connection, found, reportedAt))) {
      return { outcome: { fault: 'USER_NOT_FOUND' } };
    }
    // In a backup, an identity may be the only one of a user who had others when it was erased. That user stays.
    const identity = user.identities.size > 1 || reapply ? found : null;
    const hold = reapply ? undefined : await findLongestHold(connection, user.id, now, minimumHold);
    return { unit, user, identity, hold };
  }

  #split(
    connection: Connection,
    unit: UnitOfWork,
    identity: IdentityNode,
    { changeActor, now }: ErasureContext,
  ): Promise<{ readonly unit: UnitOfWork; readonly user: UserNode }> {
    const { database, keyRing, rules } = this.options;
    const split = { connection, save: database.save, keyRing, rules, changeActor, now };
    return splitIdentity(split, unit, identity);
  }
}

async function findUserId(connection: Connection, target: Target): Promise<number | undefined> {
  if ('userId' in target) return (await resolveUser(connection, target.userId))?.id;
  const [row] = await connection.query<{ userId: number }>(
    'SELECT user_id AS "userId" FROM identities WHERE id = ?',
    [target.identityId],
  );
  return row?.userId;
}

function getIdentity(user: UserNode, identityId: number): IdentityNode {
  const identity = [...user.identities].find(({ id }) => id === identityId);
  if (identity === undefined) throw new InvariantError('Identity was not loaded with its user');
  return identity;
}

/** Returns the deliveries that still have no identity. A replay since the search may have assigned some. */
async function keepUnassigned(
  connection: Connection,
  deliveryIds: readonly number[],
): Promise<readonly number[]> {
  const rows = await connection.query<{ id: number }>(
    'SELECT id FROM deliveries WHERE id IN (?*) AND identity_id IS NULL',
    [deliveryIds],
  );
  return rows.map(({ id }) => id);
}

/**
 * Whether everything stored about the account is newer than the provider's report of its deletion. The report is then about an
 * earlier account with the same ID.
 */
async function hasReturnedSince(
  connection: Connection,
  { id, linked, createdAt }: IdentityNode,
  reportedAt: Instant,
): Promise<boolean> {
  if (linked && toInstantText(new Date(createdAt)) <= reportedAt) return false;
  const [row] = await connection.query<{ first: Instant | null }>(
    `SELECT min(coalesce(body ->> 'occurredAt', ${getNames(EventEntity).receivedAt})) AS first FROM events
      WHERE identity_id = ? AND NOT (body ->> 'type' = 'ACCOUNT' AND body ->> 'state' = 'DELETED')`,
    [id],
  );
  const first = row?.first ?? null;
  return first === null ? linked : first > reportedAt;
}

function isEqual(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
