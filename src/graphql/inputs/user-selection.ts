/** Users selected by a filter: follows merges, resolves external user IDs, and restricts the result to visible users. */

import { parseNodeId } from '../relay/node-id';
import type { Context } from '../request/context';

/** Conditions on users, combined with AND. Null and absent conditions match all users. */
export interface UserSelection {
  /** Opaque IDs. */
  readonly ids?: readonly string[] | null;
  readonly externalUserId?: string | null;
}

/**
 * Returns the numbers of the selected users, or undefined for all users.
 *
 * @throws {GatewayError} INPUT_INVALID if an ID is not the ID of a user.
 */
export async function selectUsers(
  context: Context,
  selection: UserSelection,
): Promise<readonly number[] | undefined> {
  const byId = selection.ids ? await resolveIds(context, selection.ids) : undefined;
  const byExternalId =
    typeof selection.externalUserId === 'string'
      ? await resolveExternalId(context, selection.externalUserId)
      : undefined;
  return context.visibility.restrictUsers(intersect(byId, byExternalId));
}

async function resolveIds(context: Context, ids: readonly string[]): Promise<readonly number[]> {
  const keys = ids.map((id) => parseNodeId('User', id, 'Every user ID of the filter'));
  const users = await Promise.all(keys.map((key) => context.loaders.user.load(key)));
  return [...new Set(users.flatMap((user) => (user ? [user.id] : [])))];
}

async function resolveExternalId(
  context: Context,
  externalUserId: string,
): Promise<readonly number[]> {
  const user = await context.loaders.userByExternalId.load(externalUserId);
  return user ? [user.id] : [];
}

function intersect(
  one: readonly number[] | undefined,
  other: readonly number[] | undefined,
): readonly number[] | undefined {
  return one && other ? one.filter((id) => other.includes(id)) : (one ?? other);
}
