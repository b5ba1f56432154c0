/** Arguments that are to be stored, and found again. */

import { GatewayError } from '../domain/errors';
import { isSoundText } from '../domain/sound-text';

/** @throws {GatewayError} INPUT_INVALID naming the argument. */
export function assertSound(argument: string, text: string | null | undefined): void {
  if (isSoundText(text ?? '')) return;
  throw new GatewayError(
    'INPUT_INVALID',
    `expected \`${argument}\` to be sound Unicode without NUL`,
  );
}
