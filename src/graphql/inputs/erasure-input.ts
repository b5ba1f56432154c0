/** What the mutations about erasing begin with: whether the viewer may, why, and whom. */

import { MAX_REASON_LENGTH } from '../access/personal-reads';
import type { Operator } from '../access/visibility';
import type { Context } from '../request/context';
import { UserError } from '../types/user-error.type';
import { findTarget, type UserTarget } from './user-target';

/** Who does it to whom, and when; the user need not exist. */
export interface ErasureRequest extends Operator {
  readonly userId: number;
  readonly now: Date;
}

/**
 * @param field - Of the input, that says why.
 * @returns the fault of the input for which nothing is done.
 * @throws {GatewayError} FORBIDDEN
 */
export async function prepareErasure<Field extends string>(
  context: Context,
  input: UserTarget & Readonly<Record<Field, string>>,
  field: Field,
): Promise<ErasureRequest | UserError> {
  const operator = context.visibility.assertCanErase();
  const unreasoned = checkReason(input[field], field);
  if (unreasoned !== null) return unreasoned;
  const userId = await findTarget(context, input);
  return userId instanceof UserError ? userId : { ...operator, userId, now: context.now() };
}

/** @returns what is wrong with it, or `null`. */
export function checkReason(text: string, field: string): UserError | null {
  if (text.trim() !== '' && text.length <= MAX_REASON_LENGTH) return null;
  const message = `The reason must have 1 to ${MAX_REASON_LENGTH} characters.`;
  return new UserError('REASON_INVALID', message, ['input', field]);
}
