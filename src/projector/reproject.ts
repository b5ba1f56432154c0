/** Brings users in line with what their events now say, and tells the log what that changed. */

import { isDeepStrictEqual as equal } from 'node:util';
import { InvariantError } from '../domain/errors';
import { toAttemptSortKey } from '../domain/fold/level-fold';
import {
  combineLevelStates,
  findBlocker,
  findLatestBlocker,
  type IdentityLevelState,
  isActive,
  type ProjectedLevel,
  type ProjectionRules,
  toSubjectKind,
} from '../domain/fold/user';
import { toInstantText } from '../domain/instant';
import { type LevelKey, lesserKind, type ProviderId } from '../domain/level';
import { evaluateState } from '../domain/policy';
import { compare } from '../domain/text';
import {
  appendChanges,
  appendMerge,
  type ChangeContext,
  createPendingChange,
  createPendingLevelChange,
  type PendingChange,
} from './change-entries';
import { mentionsErasedSubject } from './erased-subjects';
import { matchAttempts } from './match-attempts';
import {
  type AttemptNode,
  getFold,
  type IdentityNode,
  type LevelNode,
  nextId,
  pairKey,
  type UnitOfWork,
  type UserNode,
} from './unit-of-work';
import { createUser, mergeUsers, moveIdentity } from './users';

/**
 * @param identities - Those about which something new was said.
 * @param users - Further users whose state may have moved, e.g. with the clock.
 * @param parted - Users between whom an identity has moved: the log tells of them whether or not their state is other.
 * @returns whether anything is other than before, logged or not.
 */
export function reproject(
  unit: UnitOfWork,
  affected: {
    readonly identities?: Iterable<IdentityNode>;
    readonly users?: Iterable<UserNode>;
    readonly parted?: Iterable<UserNode>;
  },
  occasion: ChangeContext,
  rules: ProjectionRules,
): boolean {
  const users = new Set(affected.users);
  const parted = new Set(affected.parted);
  const logged = unit.changes.length;
  let changed = false;
  for (const identity of affected.identities ?? []) {
    const from = identity.user;
    users.add(from);
    changed = followVendorsWord(unit, identity, occasion, rules.now) || changed;
    users.add(identity.user);
    if (identity.user !== from && from.mergedInto === null) parted.add(from).add(identity.user);
  }
  for (const user of users) {
    if (user.mergedInto === null && user.erasedAt === null)
      changed = reprojectUser(unit, user, occasion, rules) || changed;
  }
  for (const user of parted) {
    const told = unit.changes.slice(logged).some(({ userId }) => userId === user.id);
    if (!told) appendChanges(unit, [createPendingChange(user)], occasion, rules.now);
  }
  return changed;
}

/** Equal external ids are one user at once, unless an operator has tied the identity elsewhere. */
function followVendorsWord(
  unit: UnitOfWork,
  identity: IdentityNode,
  occasion: ChangeContext,
  now: Date,
): boolean {
  openNamedUsers(unit, identity, now);
  const externalUserId = getFold(identity).findExternalUserId(
    (entry) => !mentionsErasedSubject(unit, identity, entry),
  );
  if (externalUserId === identity.externalUserId) return false;
  identity.externalUserId = externalUserId;
  identity.dirty = true;
  if (externalUserId === null || identity.linked) return true;

  const { user } = identity;
  const owner = unit.usersByExternalId.get(externalUserId);
  if (owner === undefined || owner === user) return true;
  if (user.externalUserId !== null) moveIdentity(identity, owner, now);
  else appendMerge(unit, mergeUsers(unit, user, owner, now), occasion, now);
  return true;
}

/** Whoever an event names is a user, in whatever order the events came, unless they were erased. */
function openNamedUsers(unit: UnitOfWork, identity: IdentityNode, now: Date): void {
  const entries = identity.events.slice(identity.resolvedEvents);
  identity.resolvedEvents = identity.events.length;
  for (const entry of entries) {
    const { externalUserId } = entry.event;
    if (externalUserId === undefined || unit.usersByExternalId.has(externalUserId)) continue;
    if (mentionsErasedSubject(unit, identity, entry)) continue;
    if (identity.user.externalUserId === null && !identity.linked) {
      identity.user.externalUserId = externalUserId;
      identity.user.dirty = true;
      unit.usersByExternalId.set(externalUserId, identity.user);
    } else {
      createUser(unit, externalUserId, now);
    }
  }
}

// ── One user ────────────────────────────────────────────────────────────────────────────────────────────────────────

function reprojectUser(
  unit: UnitOfWork,
  user: UserNode,
  occasion: ChangeContext,
  rules: ProjectionRules,
): boolean {
  const identities = [...user.identities].sort(bySubject);
  const drafts: PendingChange[] = [];
  const switched = new Set<ProviderId>();
  const { acceptSandbox } = rules;
  let changed = false;

  for (const identity of identities) {
    const fold = getFold(identity);
    const state = fold.getAccountState(acceptSandbox);
    if (identity.state !== state) switched.add(identity.provider);
    if (identity.state === state && identity.kind === fold.kind) continue;
    if (identity.kind !== fold.kind) user.stale = true;
    identity.state = state;
    identity.kind = fold.kind;
    identity.dirty = true;
    changed = true;
  }
  const known = identities.filter((identity) => getFold(identity).hasEvents(acceptSandbox));
  // Events of earlier versions carry no kind: a deleted account of theirs must not make its company a person.
  const alive = known.filter(({ state }) => state !== 'DELETED');
  const kind = toSubjectKind((alive.length > 0 ? alive : known).map((identity) => identity.kind));
  if (user.kind !== kind) {
    user.kind = kind;
    user.stale = true;
    changed = true;
  }

  const touched = new Set(user.stale ? user.levels.keys() : expiredLevels(user, rules));
  for (const identity of identities) {
    const fold = getFold(identity);
    const news = fold.takeTouchedLevels();
    const levels = user.stale
      ? new Set([...fold.levelKeys(), ...identity.attempts.keys()])
      : new Set(news);
    for (const key of levels) touched.add(key);
    changed = putAttempts(unit, user, identity, levels, drafts) || changed;
  }
  user.stale = false;

  const levels = projectLevels(user, identities, touched, rules);
  changed = putLevels(unit, user, levels, drafts) || changed;
  changed = putUser(user, identities, rules, switched, drafts) || changed;
  if (changed) touch(user, rules.now);
  appendChanges(unit, drafts, occasion, rules.now);
  return changed;
}

/** Verified levels that the passing of time alone has changed. */
function expiredLevels(user: UserNode, { policy, now }: ProjectionRules): readonly LevelKey[] {
  if (Object.keys(policy.expiresAfterMs).length === 0) return []; // saves a pass over all levels per event
  const instant = toInstantText(now);
  const expired: LevelKey[] = [];
  for (const { levelKey, status, expiresAt } of user.levels.values()) {
    if (status === 'VERIFIED' && expiresAt !== null && expiresAt <= instant) expired.push(levelKey);
  }
  return expired;
}

/** Projects these levels, and all approvals if what blocks them has changed. In the order of their keys. */
function projectLevels(
  user: UserNode,
  identities: readonly IdentityNode[],
  touched: ReadonlySet<LevelKey>,
  rules: ProjectionRules,
): ReadonlyMap<LevelKey, LevelNode | undefined> {
  const known = new Map<LevelKey, readonly IdentityLevelState[]>();
  const standingsAt = (key: LevelKey) => {
    const standings = known.get(key) ?? placedStandings(user, identities, key, rules);
    known.set(key, standings);
    return standings;
  };
  const before = findLatestBlocker(user.blockers.values());
  for (const key of touched) {
    const blocker = findBlocker(standingsAt(key), rules.policy);
    if (blocker === undefined) user.blockers.delete(key);
    else user.blockers.set(key, blocker);
  }
  const blocker = findLatestBlocker(user.blockers.values());
  const keys = equal(before, blocker) ? touched : new Set([...touched, ...approvedLevels(user)]);
  const levels = new Map<LevelKey, LevelNode | undefined>();
  for (const key of [...keys].sort(compare)) {
    const level = combineLevelStates(standingsAt(key), blocker, rules);
    levels.set(key, level && placeLevel(level, identities));
  }
  return levels;
}

function placedStandings(
  user: UserNode,
  identities: readonly IdentityNode[],
  key: LevelKey,
  { acceptSandbox }: ProjectionRules,
): readonly IdentityLevelState[] {
  return identities.flatMap((one, identity) =>
    one.kind === user.kind
      ? getFold(one)
          .getLevelStates(key, acceptSandbox)
          .map((standing) => ({ ...standing, identity }))
      : [],
  );
}

/** Levels with an approval, expired or not: only these can be blocked. */
function approvedLevels({ levels }: UserNode): readonly LevelKey[] {
  return [...levels.values()].flatMap(({ levelKey, status }) =>
    status === 'NOT_VERIFIED' ? [] : [levelKey],
  );
}

function placeLevel(
  { latest, ...level }: ProjectedLevel,
  identities: readonly IdentityNode[],
): LevelNode {
  const attempt = identities[latest.identity]?.attempts
    .get(level.levelKey)
    ?.findLast((one) => toAttemptSortKey(one) === latest.sortKey);
  if (attempt === undefined) throw new InvariantError('Level has no latest attempt');
  return { ...level, latestAttemptId: attempt.id };
}

function putAttempts(
  unit: UnitOfWork,
  user: UserNode,
  identity: IdentityNode,
  levels: Iterable<LevelKey>,
  drafts: PendingChange[],
): boolean {
  const found: { readonly attempt: AttemptNode; readonly held: AttemptNode | undefined }[] = [];
  const gone: AttemptNode[] = [];
  for (const key of levels) {
    const { unchangedCount, attempts } = getFold(identity).takeChangedAttempts(key);
    const nodes = identity.attempts.get(key) ?? [];
    identity.attempts.set(key, nodes);
    const before = new Set(nodes.splice(unchangedCount));
    const heldAs = matchAttempts(before, attempts);
    for (const one of attempts) {
      const held = heldAs.get(one);
      const attempt: AttemptNode = { ...one, id: held?.id ?? nextId(unit, 'attempts') };
      nodes.push(attempt);
      if (held !== undefined) before.delete(held);
      if (attempt.levelKind !== held?.levelKind) keepLevel(unit, attempt);
      if (held !== undefined && equal(held, { ...attempt, levelKind: held.levelKind })) continue;
      unit.dirtyAttempts.set(attempt.id, { attempt, identity });
      found.push({ attempt, held });
    }
    gone.push(...before);
  }
  // What ended is told before what began in its place.
  const ended = ({ attempt }: (typeof found)[number]) => (attempt.decidedAt === null ? 1 : 0);
  for (const { attempt, held } of found.sort((a, b) => ended(a) - ended(b))) {
    if (held !== undefined && equal(newsOf(held), newsOf(attempt))) continue;
    drafts.push({
      ...createPendingLevelChange(user, attempt),
      attemptStatus: attempt.status,
      previousAttemptStatus: held?.status ?? null,
      rejection: attempt.rejection,
    });
  }
  for (const attempt of gone) {
    // Also if it is not kept yet: it is then kept and dropped, or its id, which the log holds, would be given again.
    unit.deletedAttempts.add(attempt.id);
    drafts.push({
      ...createPendingLevelChange(user, attempt),
      previousAttemptStatus: attempt.status,
    });
  }
  return found.length > 0 || gone.length > 0;
}

function keepLevel(unit: UnitOfWork, { levelKey, levelKind }: AttemptNode): void {
  const kind = lesserKind(unit.levels.get(levelKey)?.kind ?? levelKind, levelKind);
  unit.levels.set(levelKey, { kind });
}

/** What of an attempt is news to a subscriber. */
function newsOf({ status, rejection, reviewReasons }: AttemptNode): unknown {
  return { status, rejection, reviewReasons };
}

/** @param levels - Those that may have changed; without a value: not held any more. */
function putLevels(
  unit: UnitOfWork,
  user: UserNode,
  levels: ReadonlyMap<LevelKey, LevelNode | undefined>,
  drafts: PendingChange[],
): boolean {
  let changed = false;
  for (const [levelKey, is] of levels) {
    const was = user.levels.get(levelKey);
    if (equal(was, is)) continue;
    if (is === undefined) user.levels.delete(levelKey);
    else user.levels.set(levelKey, is);
    changed = true;
    unit.dirtyLevels.set(`${user.id} ${levelKey}`, { userId: user.id, levelKey });
    if (was?.status === is?.status) continue;
    const last = drafts.findLast((draft) => draft.levelKey === levelKey);
    const draft =
      last ?? createPendingLevelChange(user, { levelKey, id: is?.latestAttemptId ?? null });
    if (last === undefined) drafts.push(draft);
    draft.previousLevelStatus = was?.status ?? null;
    draft.levelStatus = is?.status ?? null;
  }
  return changed;
}

/** @param switched - Vendors of accounts whose state changed. */
function putUser(
  user: UserNode,
  identities: readonly IdentityNode[],
  { policy, acceptSandbox }: ProjectionRules,
  switched: ReadonlySet<ProviderId>,
  drafts: PendingChange[],
): boolean {
  const verification = evaluateState(policy, user.levels);
  const counted = identities.filter((identity) => getFold(identity).isCounted(acceptSandbox));
  const active = isActive(counted.map(({ state }) => state));
  const was = [user.verificationStatus, user.statusSince, user.expiresAt, user.active];
  if (user.verificationStatus !== verification.status || user.active !== active) {
    const [provider = null] = user.active !== active && switched.size === 1 ? switched : [];
    let draft = drafts.at(-1);
    if (draft === undefined || (provider !== null && draft.provider !== provider)) {
      draft = { ...createPendingChange(user), provider };
      drafts.push(draft);
    }
    draft.verificationStatus = verification.status;
    draft.active = active;
  }
  user.verificationStatus = verification.status;
  user.statusSince = verification.since;
  user.expiresAt = verification.expiresAt;
  user.active = active;
  return !equal(was, [user.verificationStatus, user.statusSince, user.expiresAt, user.active]);
}

function touch(user: UserNode, now: Date): void {
  user.updatedAt = now.toISOString();
  user.dirty = true;
}

/** The order of a user's identities must not depend on which was heard of first. */
function bySubject(a: IdentityNode, b: IdentityNode): number {
  return pairKey(a.provider, a.subjectRef) < pairKey(b.provider, b.subjectRef) ? -1 : 1;
}
