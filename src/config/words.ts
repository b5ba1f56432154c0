/** Shapes that several variables have; what a schema answers to a wrong value completes "expected …". */

import { z } from 'zod';

export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words, { error: `one of ${words.join(', ')}` });
}

export const BOOLEAN = oneOf('true', 'false').transform((word) => word === 'true');
