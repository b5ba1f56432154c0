/** The one user whom a mutation is about, by either of two ids. */

import type { Context } from './context';
import { parseNodeId } from './node-id';
import { assertSound } from './sound-text';
import { UserError } from './user-error.type';

export interface UserTarget {
  readonly userId?: string | null;
  readonly externalUserId?: string | null;
}

/** @returns the number of the user, who need not exist where the opaque id was given. */
export async function findTarget(context: Context, input: UserTarget): Promise<number | UserError> {
  assertSound('input.externalUserId', input.externalUserId);
  const userId = input.userId ?? null;
  const externalUserId = input.externalUserId ?? null;
  if ((userId === null) === (externalUserId === null)) {
    const message = 'expected exactly one of `userId` and `externalUserId`';
    return new UserError('TARGET_INVALID', message, ['input']);
  }
  if (userId !== null) return parseNodeId('User', userId, '`userId`');
  // Not from the view of the request, which may be older than a user opened a moment ago.
  const user =
    externalUserId === null ? null : await context.store.read.userByExternalId(externalUserId);
  return user ? user.id : userNotFound('externalUserId');
}

export function userNotFound(field: keyof UserTarget): UserError {
  return new UserError('USER_NOT_FOUND', 'expected the id of a user', ['input', field]);
}

export function userErased(field: keyof UserTarget): UserError {
  return new UserError('USER_ERASED', 'expected a user who was not erased', ['input', field]);
}
