/**
 * Permissions of a viewer. No other file decides what a viewer may see or do.
 *
 * An API key sees all users or none, depending on its scopes. An end user sees only their own user with its attempts and
 * changes. Lists and counts are restricted accordingly, and objects of other users behave as if they did not exist.
 */

import type { ApiKeyPrincipal, EndUserPrincipal, Principal, Scope } from '../../access/principal';
import { apiKeyActor } from '../../domain/audit';
import type { EndUserReasons } from '../../domain/end-user-reasons';
import { GatewayError } from '../../domain/errors';
import type { ChangeFilter } from '../../store/read/filters';
import type { Reader, UserRow } from '../../store/read/reader';

export interface Visibility {
  /** @throws {GatewayError} FORBIDDEN without the `read` scope. End users may always read. */
  assertCanRead(): void;

  /**
   * For operational data, such as deliveries and providers.
   *
   * @throws {GatewayError} FORBIDDEN for end users, and without the `read` scope.
   */
  assertCanReadOperations(): void;

  /** Whether `assertCanReadOperations` passes. */
  readonly canReadOperations: boolean;

  /**
   * Returns the names of the operator for the logs.
   *
   * @throws {GatewayError} FORBIDDEN without the `operate` scope.
   */
  assertCanOperate(): Operator;

  /**
   * Returns the names of the operator for the logs.
   *
   * @throws {GatewayError} FORBIDDEN without the `erase` scope.
   */
  assertCanErase(): Operator;

  /**
   * Checks the permission to read personal data of visible users. Returns the actor for the audit log, or null for an end
   * user, who reads their own data.
   *
   * @throws {GatewayError} FORBIDDEN without the `pii:read` scope.
   */
  assertCanReadPersonalData(): string | null;

  /** Whether the viewer sees reasons that reveal a suspicion. */
  readonly canSeeAllReasons: boolean;

  /** @throws {GatewayError} FORBIDDEN without the `audit:read` scope. */
  assertCanReadAudit(): void;

  /** Whether `assertCanReadAudit` passes. */
  readonly canReadAudit: boolean;

  /** Returns the user of the end user. Null if it does not exist, and for API keys. */
  ownUser(): Promise<UserRow | null>;

  /**
   * Restricts a selection of users to the visible ones. Undefined means all users, as argument and as result.
   *
   * @param userIds - Current IDs, after following merges.
   */
  restrictUsers(userIds: readonly number[] | undefined): Promise<readonly number[] | undefined>;

  /** Returns the filter for the changes of a visible object. An attempt may have belonged to another user before. */
  changeFilter(): Promise<ChangeFilter>;

  /**
   * Whether the viewer may see the user. Performs the same reads whether the user exists or not, so that response times do
   * not reveal which IDs exist.
   *
   * @param userId - May be the ID of a merged user. Null if the user does not exist.
   */
  canSeeUser(userId: number | null): Promise<boolean>;
}

export interface Operator {
  /** Name in the change log. */
  readonly changeActor: string;
  /** Name in the audit log. */
  readonly auditActor: string;
}

/** Looks up an end user at most once. Create a new object if the data may have changed. */
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
 * Returns a key. Two principals with the same key see the same fields of every change. Returns `null` for end users, because
 * their data may change with every item.
 */
export function getViewKey(principal: Principal): string | null {
  if (principal.kind === 'USER') return null;
  const { scopes, keyId, name } = principal;
  // A read of personal data has an audit entry per key, so keys with that scope do not share results.
  const reader = scopes.has('pii:read') ? [apiKeyActor(keyId, name)] : [];
  return [...[...scopes].sort(), ...reader].join(' ');
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
  const ownUser = once(() => read.userByExternalId(externalUserId));
  const ownIds = once(async () => {
    const user = await ownUser();
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
    ownUser,
    async restrictUsers(userIds) {
      const user = await ownUser();
      if (!user) return [];
      return !userIds || userIds.includes(user.id) ? [user.id] : [];
    },
    changeFilter: async () => ({ userIds: [...(await ownIds())] }),
    canSeeUser: async (userId) => (await ownIds()).has(userId ?? NO_USER),
  };
}

/** IDs start at 1. */
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
