/**
 * Who may see and do what: the one place that decides.
 *
 * An API key sees everything or nothing, by scope. An end user sees their own user with its attempts and changes, through
 * whatever door: a list is narrowed, a count counts what is left, and a thing of somebody else's is as good as absent.
 */

import type { ApiKeyPrincipal, EndUserPrincipal, Principal, Scope } from '../../access/principal';
import { apiKeyActor } from '../../domain/audit';
import type { EndUserReasons } from '../../domain/end-user-reasons';
import { GatewayError } from '../../domain/errors';
import type { ChangeFilter, Reader, UserRow } from '../../store/store';

export interface Visibility {
  /** @throws {GatewayError} FORBIDDEN unless the viewer may read at all. */
  assertReads(): void;

  /** For what belongs to the operation and not to a user. @throws {GatewayError} FORBIDDEN to end users. */
  assertReadsOperations(): void;

  /** Whether `assertReadsOperations` would pass. */
  readonly readsOperations: boolean;

  /** @returns under which names the logs hold the doer. @throws {GatewayError} FORBIDDEN. */
  assertOperates(): Operator;

  /** The same, for erasing. @throws {GatewayError} FORBIDDEN. */
  assertErases(): Operator;

  /**
   * Personal data of whom the viewer may see.
   *
   * @returns whom the audit log names as the one who looks; `null` for end users, who look at their own.
   * @throws {GatewayError} FORBIDDEN.
   */
  assertReadsPersonalData(): string | null;

  /** Whether also reasons that may tell of a suspicion are shown. */
  readonly seesAllReasons: boolean;

  /** @throws {GatewayError} FORBIDDEN. */
  assertReadsAudit(): void;

  /** Whether `assertReadsAudit` would pass. */
  readonly readsAudit: boolean;

  /** The end user's own user; `null` while there is none, and for API keys. */
  self(): Promise<UserRow | null>;

  /**
   * What is left of a choice of users. @param userIds - Current ids, merges followed; `undefined` is everybody.
   * @returns `undefined` for everybody.
   */
  narrow(userIds: readonly number[] | undefined): Promise<readonly number[] | undefined>;

  /** What of the log of a thing the viewer may see: an attempt may have been somebody else's before. */
  ownChanges(): Promise<ChangeFilter>;

  /**
   * The same reads whether the user exists or not: otherwise the time of an answer told which ids exist.
   *
   * @param userId - Perhaps an old id, of a user that has been merged into another; `null`: there is no such user.
   */
  seesUser(userId: number | null): Promise<boolean>;
}

export interface Operator {
  /** Name in the change log. */
  readonly changeActor: string;
  /** Name in the audit log. */
  readonly auditActor: string;
}

/** Looks an end user up at most once: make a new one when the data may have changed. */
export function createVisibility(
  principal: Principal,
  read: Reader,
  endUserReasons: EndUserReasons,
): Visibility {
  return principal.kind === 'USER'
    ? ofEndUser(principal, read, endUserReasons === 'all')
    : ofApiKey(principal);
}

/**
 * Names what a principal sees of a change and of what hangs on it: who has the same view sees the same.
 *
 * @returns `null` for end users: what is theirs may change with every item.
 */
export function viewOf(principal: Principal): string | null {
  if (principal.kind === 'USER') return null;
  const { scopes, keyId, name } = principal;
  // Who looks at personal data is written down, so that nobody gets it from another one's look.
  const looker = scopes.has('pii:read') ? [apiKeyActor(keyId, name)] : [];
  return [...[...scopes].sort(), ...looker].join(' ');
}

function ofApiKey({ keyId, name, scopes }: ApiKeyPrincipal): Visibility {
  const assertReads = () => assertScope(scopes, 'read');
  const auditActor = apiKeyActor(keyId, name);
  function operatorWith(scope: Scope): Operator {
    assertScope(scopes, scope);
    return { changeActor: name, auditActor };
  }
  return {
    assertReads,
    assertReadsOperations: assertReads,
    readsOperations: scopes.has('read'),
    assertOperates: () => operatorWith('operate'),
    assertErases: () => operatorWith('erase'),
    assertReadsPersonalData() {
      assertScope(scopes, 'pii:read');
      return auditActor;
    },
    seesAllReasons: true,
    assertReadsAudit: () => assertScope(scopes, 'audit:read'),
    readsAudit: scopes.has('audit:read'),
    self: async () => null,
    narrow: async (userIds) => userIds,
    ownChanges: async () => ({}),
    seesUser: async (userId) => userId !== null && scopes.has('read'),
  };
}

function ofEndUser(
  { externalUserId, scopes }: EndUserPrincipal,
  read: Reader,
  seesAllReasons: boolean,
): Visibility {
  const self = once(() => read.userByExternalId(externalUserId));
  const ownIds = once(async () => {
    const user = await self();
    return new Set(user ? await read.userIdsMergedInto(user.id) : []);
  });
  return {
    assertReads: () => {},
    assertReadsOperations: forbidEndUsers,
    readsOperations: false,
    assertOperates: forbidEndUsers,
    assertErases: forbidEndUsers,
    assertReadsPersonalData() {
      assertScope(scopes, 'pii:read');
      return null;
    },
    seesAllReasons,
    assertReadsAudit: forbidEndUsers,
    readsAudit: false,
    self,
    async narrow(userIds) {
      const user = await self();
      if (!user) return [];
      return !userIds || userIds.includes(user.id) ? [user.id] : [];
    },
    ownChanges: async () => ({ userIds: [...(await ownIds())] }),
    seesUser: async (userId) => (await ownIds()).has(userId ?? NO_USER),
  };
}

/** Ids begin at 1. */
const NO_USER = 0;

function assertScope(scopes: ReadonlySet<Scope>, scope: Scope): void {
  if (!scopes.has(scope)) forbid(`This requires the \`${scope}\` scope.`);
}

function forbidEndUsers(): never {
  forbid('This is not available to end users.');
}

function forbid(message: string): never {
  throw new GatewayError('FORBIDDEN', message);
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
