/** Texts that stay in the audit log. */

import { UserError } from '../types/user-error.type';

export const MAX_REASON_LENGTH = 200;

/** @returns what is wrong with it, or `null`. */
export function checkReason(text: string, field: string): UserError | null {
  if (text.trim() !== '' && text.length <= MAX_REASON_LENGTH) return null;
  const message = `The reason must have 1 to ${MAX_REASON_LENGTH} characters.`;
  return new UserError('REASON_INVALID', message, ['input', field]);
}
