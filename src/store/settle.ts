/** Brings users in line with what their events now say, and tells the log what that changed. */

import { isDeepStrictEqual as equal } from 'node:util';
import type { NumberedAttempt } from '../domain/identity-projection';
import { type LevelKey, lesserKind, type ProviderId } from '../domain/level';
import { latestExternalUserId, type ProjectionRules, projectUser } from '../domain/projection';
import { blankDraft, type Draft, draftAbout, log, logMerge, type Occasion } from './change-log';
import {
  type AttemptNode,
  type Graph,
  type IdentityNode,
  type LevelNode,
  nextId,
  pairKey,
  type UserNode,
} from './graph';
import { matchAttempts } from './match-attempts';
import { mergeUsers, moveIdentity, openUser } from './membership';
import { namesErased } from './tombstones';

/**
 * @param identities - Those about which something new was said.
 * @param users - Further users whose state may have moved, e.g. with the clock.
 * @param parted - Users between whom an identity has moved: the log tells of them whether or not their state is other.
 * @returns whether anything is other than before, logged or not.
 */
export function settle(
  graph: Graph,
  affected: {
    readonly identities?: Iterable<IdentityNode>;
    readonly users?: Iterable<UserNode>;
    readonly parted?: Iterable<UserNode>;
  },
  occasion: Occasion,
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
      changed = reproject(graph, user, occasion, rules) || changed;
  }
  for (const user of parted) {
    const told = graph.changes.slice(logged).some(({ userId }) => userId === user.id);
    if (!told) log(graph, [blankDraft(user)], occasion, rules.now);
  }
  return changed;
}

/** Equal external ids are one user at once, unless an operator has tied the identity elsewhere. */
function followVendorsWord(
  graph: Graph,
  identity: IdentityNode,
  occasion: Occasion,
  now: Date,
): boolean {
  openNamedUsers(graph, identity, now);
  const naming = identity.events.filter((entry) => !namesErased(graph, identity, entry));
  const externalUserId = latestExternalUserId(naming);
  if (externalUserId === identity.externalUserId) return false;
  identity.externalUserId = externalUserId;
  identity.dirty = true;
  if (externalUserId === null || identity.linked) return true;

  const { user } = identity;
  const owner = graph.usersByExternalId.get(externalUserId);
  if (owner === undefined || owner === user) return true;
  if (user.externalUserId !== null) moveIdentity(identity, owner, now);
  else logMerge(graph, mergeUsers(graph, user, owner, now), occasion, now);
  return true;
}

/** Whoever an event names is a user, in whatever order the events came, unless they were erased. */
function openNamedUsers(graph: Graph, identity: IdentityNode, now: Date): void {
  for (const entry of identity.events) {
    const { externalUserId } = entry.event;
    if (externalUserId === undefined || graph.usersByExternalId.has(externalUserId)) continue;
    if (namesErased(graph, identity, entry)) continue;
    if (identity.user.externalUserId === null && !identity.linked) {
      identity.user.externalUserId = externalUserId;
      identity.user.dirty = true;
      graph.usersByExternalId.set(externalUserId, identity.user);
    } else {
      openUser(graph, externalUserId, now);
    }
  }
}

// ── One user ────────────────────────────────────────────────────────────────────────────────────────────────────────

function reproject(
  graph: Graph,
  user: UserNode,
  occasion: Occasion,
  rules: ProjectionRules,
): boolean {
  const identities = [...user.identities].sort(bySubject);
  const projection = projectUser(identities, rules);
  const drafts: Draft[] = [];
  const switched = new Set<ProviderId>();
  let changed = false;

  identities.forEach((identity, index) => {
    const projected = projection.identities[index];
    if (projected === undefined) return;
    if (identity.kind !== projected.kind) {
      identity.kind = projected.kind;
      identity.dirty = true;
      changed = true;
    }
    if (identity.state !== projected.state) {
      identity.state = projected.state;
      identity.dirty = true;
      switched.add(identity.provider);
      changed = true;
    }
    changed = putAttempts(graph, user, identity, projected.attempts, drafts) || changed;
  });

  const places = identities.map(
    ({ attempts }) => new Map([...attempts.values()].map((one) => [placeKey(one), one])),
  );
  const levels = new Map<LevelKey, LevelNode>();
  for (const {
    levelKey,
    kind,
    latestAttempt,
    status,
    since,
    expiresAt,
    superseded,
    blockedBy,
    blockedAt,
  } of projection.levels) {
    const attempt = places[latestAttempt.identity]?.get(placeKey({ levelKey, ...latestAttempt }));
    if (attempt === undefined) throw new Error('a level stands on an attempt');
    levels.set(levelKey, {
      kind,
      status,
      since,
      expiresAt,
      superseded,
      blockedBy,
      blockedAt,
      latestAttemptId: attempt.id,
    });
  }
  changed = putLevels(graph, user, levels, drafts) || changed;
  changed = putUser(user, projection, switched, drafts) || changed;
  if (changed) touch(user, rules.now);
  log(graph, drafts, occasion, rules.now);
  return changed;
}

function placeKey({ levelKey, number }: Pick<NumberedAttempt, 'levelKey' | 'number'>): string {
  return `${number} ${levelKey}`;
}

function putAttempts(
  graph: Graph,
  user: UserNode,
  identity: IdentityNode,
  projected: readonly NumberedAttempt[],
  drafts: Draft[],
): boolean {
  const before = identity.attempts;
  const heldAs = matchAttempts(before.values(), projected);
  identity.attempts = new Map();
  const found: { readonly attempt: AttemptNode; readonly held: AttemptNode | undefined }[] = [];
  for (const one of projected) {
    const held = heldAs.get(one);
    const attempt: AttemptNode = { ...one, id: held?.id ?? nextId(graph, 'attempts') };
    identity.attempts.set(attempt.id, attempt);
    before.delete(attempt.id);
    if (attempt.levelKind !== held?.levelKind) keepLevel(graph, attempt);
    if (held !== undefined && equal(held, { ...attempt, levelKind: held.levelKind })) continue;
    graph.dirtyAttempts.set(attempt.id, { attempt, identity });
    found.push({ attempt, held });
  }
  // What ended is told before what began in its place.
  const ended = ({ attempt }: (typeof found)[number]) => (attempt.decidedAt === null ? 1 : 0);
  for (const { attempt, held } of found.sort((a, b) => ended(a) - ended(b))) {
    if (held !== undefined && equal(newsOf(held), newsOf(attempt))) continue;
    drafts.push({
      ...draftAbout(user, attempt),
      attemptStatus: attempt.status,
      previousAttemptStatus: held?.status ?? null,
      rejection: attempt.rejection,
    });
  }
  for (const gone of before.values()) {
    // Also if it is not kept yet: it is then kept and dropped, or its id, which the log holds, would be given again.
    graph.goneAttempts.add(gone.id);
    drafts.push({ ...draftAbout(user, gone), previousAttemptStatus: gone.status });
  }
  return found.length > 0 || before.size > 0;
}

function keepLevel(graph: Graph, { levelKey, levelKind }: AttemptNode): void {
  const kind = lesserKind(graph.levels.get(levelKey)?.kind ?? levelKind, levelKind);
  graph.levels.set(levelKey, { kind });
}

/** What of an attempt is news to a subscriber. */
function newsOf({ status, rejection, reviewReasons }: AttemptNode): unknown {
  return { status, rejection, reviewReasons };
}

function putLevels(
  graph: Graph,
  user: UserNode,
  levels: ReadonlyMap<LevelKey, LevelNode>,
  drafts: Draft[],
): boolean {
  const before = user.levels;
  user.levels = new Map(levels);
  let changed = false;
  for (const levelKey of new Set([...before.keys(), ...levels.keys()])) {
    const was = before.get(levelKey);
    const is = levels.get(levelKey);
    if (equal(was, is)) continue;
    changed = true;
    graph.dirtyLevels.set(`${user.id} ${levelKey}`, { userId: user.id, levelKey });
    if (was?.status === is?.status) continue;
    const last = drafts.findLast((draft) => draft.levelKey === levelKey);
    const draft = last ?? draftAbout(user, { levelKey, id: is?.latestAttemptId ?? null });
    if (last === undefined) drafts.push(draft);
    draft.previousLevelStatus = was?.status ?? null;
    draft.levelStatus = is?.status ?? null;
  }
  return changed;
}

/** @param switched - Vendors of accounts whose state changed. */
function putUser(
  user: UserNode,
  { kind, verification, active }: ReturnType<typeof projectUser>,
  switched: ReadonlySet<ProviderId>,
  drafts: Draft[],
): boolean {
  const was = [user.kind, user.verificationStatus, user.statusSince, user.expiresAt, user.active];
  if (user.verificationStatus !== verification.status || user.active !== active) {
    const [provider = null] = user.active !== active && switched.size === 1 ? switched : [];
    let draft = drafts.at(-1);
    if (draft === undefined || (provider !== null && draft.provider !== provider)) {
      draft = { ...blankDraft(user), provider };
      drafts.push(draft);
    }
    draft.verificationStatus = verification.status;
    draft.active = active;
  }
  user.kind = kind;
  user.verificationStatus = verification.status;
  user.statusSince = verification.since;
  user.expiresAt = verification.expiresAt;
  user.active = active;
  return !equal(was, [
    user.kind,
    user.verificationStatus,
    user.statusSince,
    user.expiresAt,
    user.active,
  ]);
}

function touch(user: UserNode, now: Date): void {
  user.updatedAt = now.toISOString();
  user.dirty = true;
}

/** The order of a user's identities must not depend on which was heard of first. */
function bySubject(a: IdentityNode, b: IdentityNode): number {
  return pairKey(a.provider, a.subjectRef) < pairKey(b.provider, b.subjectRef) ? -1 : 1;
}
