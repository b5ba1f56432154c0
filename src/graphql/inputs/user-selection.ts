/** Which users a filter is about: ids with merges followed, external ids resolved, narrowed to what the viewer may see. */

import { parseNodeId } from '../relay/node-id';
import type { Context } from '../request/context';

/** All given conditions hold; null and absent ones do not restrict. */
export interface UserSelection {
  /** Opaque ids. */
  readonly ids?: readonly string[] | null;
  readonly externalUserId?: string | null;
}

/**
 * @returns ids of users, `undefined` for everybody.
 * @throws {GatewayError} INPUT_INVALID for what is no id of a user.
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
