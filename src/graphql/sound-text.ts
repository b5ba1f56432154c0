/** Text that is to be stored, and found again. */

import { GatewayError } from '../domain/errors';

/**
 * No database keeps NUL and half a surrogate pair as they are, and two different texts must not become one.
 *
 * @throws {GatewayError} INPUT_INVALID naming the argument.
 */
export function assertSound(argument: string, text: string | null | undefined): void {
  if (!/\0|\p{Surrogate}/u.test(text ?? '')) return;
  throw new GatewayError(
    'INPUT_INVALID',
    `expected \`${argument}\` to be sound Unicode without NUL`,
  );
}
