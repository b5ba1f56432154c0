/** The one user whom a mutation is about, by either of two ids. */

import { Field, ID, InputType } from 'type-graphql';
import { parseNodeId } from '../relay/node-id';
import type { Context } from '../request/context';
import { UserError } from '../types/user-error.type';

/** Exactly one of the two is to be given. */
@InputType()
export abstract class UserTarget {
  @Field(() => ID, { nullable: true, description: 'The user, by opaque id.' })
  readonly userId?: string | null;

  @Field(() => String, { nullable: true, description: "The user, by our customer's id." })
  readonly externalUserId?: string | null;
}

/** @returns the number of the user, who need not exist where the opaque id was given. */
export async function findTarget(context: Context, input: UserTarget): Promise<number | UserError> {
  const userId = input.userId ?? null;
  const externalUserId = input.externalUserId ?? null;
  if (userId !== null && externalUserId === null) return parseNodeId('User', userId, '`userId`');
  if (externalUserId !== null && userId === null) {
    // Not from the view of the request, which may be older than a user opened a moment ago.
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
