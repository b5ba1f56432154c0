/** Reads a table by a word that came from outside. */

/** `undefined` for a word that the table does not hold, be it `constructor` or `__proto__`. */
export function lookUp<Value>(
  table: Readonly<Record<string, Value>>,
  word: string,
): Value | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
