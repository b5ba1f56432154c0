/** Texts that stay in the audit log. */

import { assertSound } from './sound-text';
import { UserError } from './user-error.type';

const MAX_LENGTH = 200;

/** @returns what is wrong with it, or `null`. */
export function checkReason(text: string, field = 'reason'): UserError | null {
  assertSound(`input.${field}`, text);
  if (text.trim() !== '' && text.length <= MAX_LENGTH) return null;
  const message = `expected 1 to ${MAX_LENGTH} characters`;
  return new UserError('REASON_INVALID', message, ['input', field]);
}
