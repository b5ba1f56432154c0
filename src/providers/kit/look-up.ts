/** Safe lookup in a table by an untrusted key. */

/** Returns the own property `key`. Undefined for inherited names such as `constructor` or `__proto__`. */
export function lookUp<Value>(
  table: Readonly<Record<string, Value>>,
  key: string,
): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
