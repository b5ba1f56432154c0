/** The user that a mutation targets, selected by one of two IDs. */

import { Field, ID, InputType } from 'type-graphql';
import { parseNodeId } from '../relay/node-id';
import type { Context } from '../request/context';
import { UserError } from '../types/user-error.type';

/** Requires exactly one of the two fields. */
@InputType()
export abstract class UserTarget {
  @Field(() => ID, { nullable: true, description: 'Opaque ID of the user.' })
  readonly userId?: string | null;

  @Field(() => String, { nullable: true, description: 'Your ID for the user.' })
  readonly externalUserId?: string | null;
}

/** Returns the number of the user. With `userId`, the user may not exist. */
export async function findTarget(context: Context, input: UserTarget): Promise<number | UserError> {
  const userId = input.userId ?? null;
  const externalUserId = input.externalUserId ?? null;
  if (userId !== null && externalUserId === null) return parseNodeId('User', userId, '`userId`');
  if (externalUserId !== null && userId === null) {
    // Reads the current data: the snapshot of the request may be older than a user created just before.
    const user = await context.store.read.userByExternalId(externalUserId);
    return user ? user.id : userNotFound('externalUserId');
  }
  const message = 'Provide exactly one of `userId` and `externalUserId`.';
  return new UserError('TARGET_INVALID', message, ['input']);
}

export function userNotFound(field: keyof UserTarget): UserError {
  const message = `No user has this \`${field}\`. Check it, or create the user with \`createUser\`.`;
  return new UserError('USER_NOT_FOUND', message, ['input', field]);
}

export function userErased(field: keyof UserTarget): UserError {
  const message = 'The user was erased. Nothing about an erased user can be changed.';
  return new UserError('USER_ERASED', message, ['input', field]);
}
