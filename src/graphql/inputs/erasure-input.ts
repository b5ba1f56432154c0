/** What the mutations about erasing begin with: whether the viewer may, why, and whom. */

import type { Operator } from '../access/visibility';
import type { Context } from '../request/context';
import { UserError } from '../types/user-error.type';
import { checkReason } from './reason';
import { findTarget, type UserTarget } from './user-target';

/** Who does it to whom, and when; the user need not exist. */
export interface Erasing extends Operator {
  readonly userId: number;
  readonly now: Date;
}

/**
 * @param field - Of the input, that says why.
 * @returns the fault of the input for which nothing is done.
 * @throws {GatewayError} FORBIDDEN
 */
export async function beginErasing<Field extends string>(
  context: Context,
  input: UserTarget & Readonly<Record<Field, string>>,
  field: Field,
): Promise<Erasing | UserError> {
  const operator = context.visibility.assertErases();
  const unreasoned = checkReason(input[field], field);
  if (unreasoned !== null) return unreasoned;
  const userId = await findTarget(context, input);
  return userId instanceof UserError ? userId : { ...operator, userId, now: context.now() };
}
