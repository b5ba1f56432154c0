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
import type { ChangeFilter } from '../../store/read/filters';
import type { Reader, UserRow } from '../../store/read/reader';

export interface Visibility {
  /** @throws {GatewayError} FORBIDDEN unless the viewer may read at all. */
  assertCanRead(): void;

  /** For what belongs to the operation and not to a user. @throws {GatewayError} FORBIDDEN to end users. */
  assertCanReadOperations(): void;

  /** Whether `assertCanReadOperations` would pass. */
  readonly canReadOperations: boolean;

  /** @returns under which names the logs hold the doer. @throws {GatewayError} FORBIDDEN. */
  assertCanOperate(): Operator;

  /** The same, for erasing. @throws {GatewayError} FORBIDDEN. */
  assertCanErase(): Operator;

  /**
   * Personal data of whom the viewer may see.
   *
   * @returns whom the audit log names as the one who looks; `null` for end users, who look at their own.
   * @throws {GatewayError} FORBIDDEN.
   */
  assertCanReadPersonalData(): string | null;

  /** Whether also reasons that may tell of a suspicion are shown. */
  readonly canSeeAllReasons: boolean;

  /** @throws {GatewayError} FORBIDDEN. */
  assertCanReadAudit(): void;

  /** Whether `assertCanReadAudit` would pass. */
  readonly canReadAudit: boolean;

  /** The end user's own user; `null` while there is none, and for API keys. */
  ownUser(): Promise<UserRow | null>;

  /**
   * What is left of a choice of users. @param userIds - Current ids, merges followed; `undefined` is everybody.
   * @returns `undefined` for everybody.
   */
  restrictUsers(userIds: readonly number[] | undefined): Promise<readonly number[] | undefined>;

  /** What of the log of a thing the viewer may see: an attempt may have been somebody else's before. */
  changeFilter(): Promise<ChangeFilter>;

  /**
   * The same reads whether the user exists or not: otherwise the time of an answer told which ids exist.
   *
   * @param userId - Perhaps an old id, of a user that has been merged into another; `null`: there is no such user.
   */
  canSeeUser(userId: number | null): Promise<boolean>;
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
    ? createEndUserVisibility(principal, read, endUserReasons === 'all')
    : createApiKeyVisibility(principal);
}

/**
 * Names what a principal sees of a change and of what hangs on it: who has the same view sees the same.
 *
 * @returns `null` for end users: what is theirs may change with every item.
 */
export function getViewKey(principal: Principal): string | null {
  if (principal.kind === 'USER') return null;
  const { scopes, keyId, name } = principal;
  // Who looks at personal data is written down, so that nobody gets it from another one's look.
  const looker = scopes.has('pii:read') ? [apiKeyActor(keyId, name)] : [];
  return [...[...scopes].sort(), ...looker].join(' ');
}

function createApiKeyVisibility({ keyId, name, scopes }: ApiKeyPrincipal): Visibility {
  const assertCanRead = () => assertScope(scopes, 'read');
  const auditActor = apiKeyActor(keyId, name);
  function operatorWith(scope: Scope): Operator {
    assertScope(scopes, scope);
    return { changeActor: name, auditActor };
  }
  return {
    assertCanRead,
    assertCanReadOperations: assertCanRead,
    canReadOperations: scopes.has('read'),
    assertCanOperate: () => operatorWith('operate'),
    assertCanErase: () => operatorWith('erase'),
    assertCanReadPersonalData() {
      assertScope(scopes, 'pii:read');
      return auditActor;
    },
    canSeeAllReasons: true,
    assertCanReadAudit: () => assertScope(scopes, 'audit:read'),
    canReadAudit: scopes.has('audit:read'),
    ownUser: async () => null,
    restrictUsers: async (userIds) => userIds,
    changeFilter: async () => ({}),
    canSeeUser: async (userId) => userId !== null && scopes.has('read'),
  };
}

function createEndUserVisibility(
  { externalUserId, scopes }: EndUserPrincipal,
  read: Reader,
  canSeeAllReasons: boolean,
): Visibility {
  const self = once(() => read.userByExternalId(externalUserId));
  const ownIds = once(async () => {
    const user = await self();
    return new Set(user ? await read.userIdsMergedInto(user.id) : []);
  });
  return {
    assertCanRead: () => {},
    assertCanReadOperations: forbidEndUsers,
    canReadOperations: false,
    assertCanOperate: forbidEndUsers,
    assertCanErase: forbidEndUsers,
    assertCanReadPersonalData() {
      assertScope(scopes, 'pii:read');
      return null;
    },
    canSeeAllReasons,
    assertCanReadAudit: forbidEndUsers,
    canReadAudit: false,
    ownUser: self,
    async restrictUsers(userIds) {
      const user = await self();
      if (!user) return [];
      return !userIds || userIds.includes(user.id) ? [user.id] : [];
    },
    changeFilter: async () => ({ userIds: [...(await ownIds())] }),
    canSeeUser: async (userId) => (await ownIds()).has(userId ?? NO_USER),
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
