/** Common checks of the erasure mutations: permission, reason and target. */

import { MAX_REASON_LENGTH } from '../access/personal-reads';
import type { Operator } from '../access/visibility';
import type { Context } from '../request/context';
import { UserError } from '../types/user-error.type';
import { findTarget, type UserTarget } from './user-target';

/** Actor, user and time of an erasure mutation. The user may not exist. */
export interface ErasureRequest extends Operator {
  readonly userId: number;
  readonly now: Date;
}

/**
 * Checks the permission, the reason and the target of an erasure mutation. Returns an error if the input is invalid.
 *
 * @param field - Input field with the reason.
 * @throws {GatewayError} FORBIDDEN without the `erase` scope.
 */
export async function prepareErasure<Field extends string>(
  context: Context,
  input: UserTarget & Readonly<Record<Field, string>>,
  field: Field,
): Promise<ErasureRequest | UserError> {
  const operator = context.visibility.assertCanErase();
  const reasonError = checkReason(input[field], field);
  if (reasonError !== null) return reasonError;
  const userId = await findTarget(context, input);
  return userId instanceof UserError ? userId : { ...operator, userId, now: context.now() };
}

function checkReason(text: string, field: string): UserError | null {
  if (text.trim() !== '' && text.length <= MAX_REASON_LENGTH) return null;
  const message = `\`${field}\` must have 1 to ${MAX_REASON_LENGTH} characters.`;
  return new UserError('REASON_INVALID', message, ['input', field]);
}
