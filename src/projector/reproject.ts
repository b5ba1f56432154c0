/** Brings users in line with what their events now say, and tells the log what that changed. */

import { isDeepStrictEqual as equal } from 'node:util';
import { compare } from '../domain/compare';
import { compareLevels } from '../domain/fold/identity';
import {
  blockerAt,
  combine,
  isActive,
  latestBlocker,
  type PlacedLevelState,
  type ProjectionRules,
  toSubjectKind,
  type UserLevel,
} from '../domain/fold/user';
import { toInstantText } from '../domain/instant';
import { type LevelKey, lesserKind, type ProviderId } from '../domain/level';
import { evaluateState } from '../domain/policy';
import {
  appendChange,
  appendMerge,
  type ChangeContext,
  type ChangeDraft,
  changeForUser,
  emptyChange,
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
  graph: UnitOfWork,
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
  const logged = graph.changes.length;
  let changed = false;
  for (const identity of affected.identities ?? []) {
    const from = identity.user;
    users.add(from);
    changed = followVendorsWord(graph, identity, occasion, rules.now) || changed;
    users.add(identity.user);
    if (identity.user !== from && from.mergedInto === null) parted.add(from).add(identity.user);
  }
  for (const user of users) {
    if (user.mergedInto === null && user.erasedAt === null)
      changed = reprojectUser(graph, user, occasion, rules) || changed;
  }
  for (const user of parted) {
    const told = graph.changes.slice(logged).some(({ userId }) => userId === user.id);
    if (!told) appendChange(graph, [emptyChange(user)], occasion, rules.now);
  }
  return changed;
}

/** Equal external ids are one user at once, unless an operator has tied the identity elsewhere. */
function followVendorsWord(
  graph: UnitOfWork,
  identity: IdentityNode,
  occasion: ChangeContext,
  now: Date,
): boolean {
  openNamedUsers(graph, identity, now);
  const externalUserId = getFold(identity).externalUserId(
    (entry) => !mentionsErasedSubject(graph, identity, entry),
  );
  if (externalUserId === identity.externalUserId) return false;
  identity.externalUserId = externalUserId;
  identity.dirty = true;
  if (externalUserId === null || identity.linked) return true;

  const { user } = identity;
  const owner = graph.usersByExternalId.get(externalUserId);
  if (owner === undefined || owner === user) return true;
  if (user.externalUserId !== null) moveIdentity(identity, owner, now);
  else appendMerge(graph, mergeUsers(graph, user, owner, now), occasion, now);
  return true;
}

/** Whoever an event names is a user, in whatever order the events came, unless they were erased. */
function openNamedUsers(graph: UnitOfWork, identity: IdentityNode, now: Date): void {
  const entries = identity.events.slice(identity.named);
  identity.named = identity.events.length;
  for (const entry of entries) {
    const { externalUserId } = entry.event;
    if (externalUserId === undefined || graph.usersByExternalId.has(externalUserId)) continue;
    if (mentionsErasedSubject(graph, identity, entry)) continue;
    if (identity.user.externalUserId === null && !identity.linked) {
      identity.user.externalUserId = externalUserId;
      identity.user.dirty = true;
      graph.usersByExternalId.set(externalUserId, identity.user);
    } else {
      createUser(graph, externalUserId, now);
    }
  }
}

// ── One user ────────────────────────────────────────────────────────────────────────────────────────────────────────

function reprojectUser(
  graph: UnitOfWork,
  user: UserNode,
  occasion: ChangeContext,
  rules: ProjectionRules,
): boolean {
  const identities = [...user.identities].sort(bySubject);
  const drafts: ChangeDraft[] = [];
  const switched = new Set<ProviderId>();
  const { acceptSandbox } = rules;
  let changed = false;

  for (const identity of identities) {
    const fold = getFold(identity);
    const state = fold.state(acceptSandbox);
    if (identity.state !== state) switched.add(identity.provider);
    if (identity.state === state && identity.kind === fold.kind) continue;
    if (identity.kind !== fold.kind) user.stale = true;
    identity.state = state;
    identity.kind = fold.kind;
    identity.dirty = true;
    changed = true;
  }
  const known = identities.filter((identity) => getFold(identity).known(acceptSandbox));
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
    const news = fold.takeTouched();
    const levels = user.stale
      ? new Set([...fold.levelKeys(), ...identity.attempts.keys()])
      : new Set(news);
    for (const key of levels) touched.add(key);
    changed = putAttempts(graph, user, identity, levels, drafts) || changed;
  }
  user.stale = false;

  const levels = projectLevels(user, identities, touched, rules);
  changed = putLevels(graph, user, levels, drafts) || changed;
  changed = putUser(user, identities, rules, switched, drafts) || changed;
  if (changed) touch(user, rules.now);
  appendChange(graph, drafts, occasion, rules.now);
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
  const known = new Map<LevelKey, readonly PlacedLevelState[]>();
  const standingsAt = (key: LevelKey) => {
    const standings = known.get(key) ?? placedStandings(user, identities, key, rules);
    known.set(key, standings);
    return standings;
  };
  const before = latestBlocker(user.blockers.values());
  for (const key of touched) {
    const blocker = blockerAt(standingsAt(key), rules.policy);
    if (blocker === undefined) user.blockers.delete(key);
    else user.blockers.set(key, blocker);
  }
  const blocker = latestBlocker(user.blockers.values());
  const keys = equal(before, blocker) ? touched : new Set([...touched, ...approvedLevels(user)]);
  const levels = new Map<LevelKey, LevelNode | undefined>();
  for (const key of [...keys].sort(compare)) {
    const level = combine(standingsAt(key), blocker, rules);
    levels.set(key, level && placeLevel(level, identities));
  }
  return levels;
}

function placedStandings(
  user: UserNode,
  identities: readonly IdentityNode[],
  key: LevelKey,
  { acceptSandbox }: ProjectionRules,
): readonly PlacedLevelState[] {
  return identities.flatMap((one, identity) =>
    one.kind === user.kind
      ? getFold(one)
          .standings(key, acceptSandbox)
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
  { latest, ...level }: UserLevel,
  identities: readonly IdentityNode[],
): LevelNode {
  const attempt = identities[latest.identity]?.attempts
    .get(level.levelKey)
    ?.findLast((one) => compareLevels(one) === latest.order);
  if (attempt === undefined) throw new Error('Level has no latest attempt');
  return { ...level, latestAttemptId: attempt.id };
}

function putAttempts(
  graph: UnitOfWork,
  user: UserNode,
  identity: IdentityNode,
  levels: Iterable<LevelKey>,
  drafts: ChangeDraft[],
): boolean {
  const found: { readonly attempt: AttemptNode; readonly held: AttemptNode | undefined }[] = [];
  const gone: AttemptNode[] = [];
  for (const key of levels) {
    const { kept, attempts } = getFold(identity).takeNews(key);
    const nodes = identity.attempts.get(key) ?? [];
    identity.attempts.set(key, nodes);
    const before = new Set(nodes.splice(kept));
    const heldAs = matchAttempts(before, attempts);
    for (const one of attempts) {
      const held = heldAs.get(one);
      const attempt: AttemptNode = { ...one, id: held?.id ?? nextId(graph, 'attempts') };
      nodes.push(attempt);
      if (held !== undefined) before.delete(held);
      if (attempt.levelKind !== held?.levelKind) keepLevel(graph, attempt);
      if (held !== undefined && equal(held, { ...attempt, levelKind: held.levelKind })) continue;
      graph.dirtyAttempts.set(attempt.id, { attempt, identity });
      found.push({ attempt, held });
    }
    gone.push(...before);
  }
  // What ended is told before what began in its place.
  const ended = ({ attempt }: (typeof found)[number]) => (attempt.decidedAt === null ? 1 : 0);
  for (const { attempt, held } of found.sort((a, b) => ended(a) - ended(b))) {
    if (held !== undefined && equal(newsOf(held), newsOf(attempt))) continue;
    drafts.push({
      ...changeForUser(user, attempt),
      attemptStatus: attempt.status,
      previousAttemptStatus: held?.status ?? null,
      rejection: attempt.rejection,
    });
  }
  for (const attempt of gone) {
    // Also if it is not kept yet: it is then kept and dropped, or its id, which the log holds, would be given again.
    graph.goneAttempts.add(attempt.id);
    drafts.push({ ...changeForUser(user, attempt), previousAttemptStatus: attempt.status });
  }
  return found.length > 0 || gone.length > 0;
}

function keepLevel(graph: UnitOfWork, { levelKey, levelKind }: AttemptNode): void {
  const kind = lesserKind(graph.levels.get(levelKey)?.kind ?? levelKind, levelKind);
  graph.levels.set(levelKey, { kind });
}

/** What of an attempt is news to a subscriber. */
function newsOf({ status, rejection, reviewReasons }: AttemptNode): unknown {
  return { status, rejection, reviewReasons };
}

/** @param levels - Those that may have changed; without a value: not held any more. */
function putLevels(
  graph: UnitOfWork,
  user: UserNode,
  levels: ReadonlyMap<LevelKey, LevelNode | undefined>,
  drafts: ChangeDraft[],
): boolean {
  let changed = false;
  for (const [levelKey, is] of levels) {
    const was = user.levels.get(levelKey);
    if (equal(was, is)) continue;
    if (is === undefined) user.levels.delete(levelKey);
    else user.levels.set(levelKey, is);
    changed = true;
    graph.dirtyLevels.set(`${user.id} ${levelKey}`, { userId: user.id, levelKey });
    if (was?.status === is?.status) continue;
    const last = drafts.findLast((draft) => draft.levelKey === levelKey);
    const draft = last ?? changeForUser(user, { levelKey, id: is?.latestAttemptId ?? null });
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
  drafts: ChangeDraft[],
): boolean {
  const verification = evaluateState(policy, user.levels);
  const counted = identities.filter((identity) => getFold(identity).counts(acceptSandbox));
  const active = isActive(counted.map(({ state }) => state));
  const was = [user.verificationStatus, user.statusSince, user.expiresAt, user.active];
  if (user.verificationStatus !== verification.status || user.active !== active) {
    const [provider = null] = user.active !== active && switched.size === 1 ? switched : [];
    let draft = drafts.at(-1);
    if (draft === undefined || (provider !== null && draft.provider !== provider)) {
      draft = { ...emptyChange(user), provider };
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
