/** GraphQL enums from unions of literals: the same word in code, rows and GraphQL. */

import { registerEnumType } from 'type-graphql';

/**
 * Declares an enum. To be called once per enum, where a module is loaded, like a decorator.
 *
 * @param words - Every word of the union with its documentation; the compiler sees that none is missing.
 * @returns what stands for the enum in `@Field(() => …)`.
 */
export function literalEnum<Word extends string>(
  name: string,
  description: string,
  words: Readonly<Record<Word, string>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries<string>(words);
  const values: Record<string, string> = Object.fromEntries(entries.map(([word]) => [word, word]));
  const valuesConfig = Object.fromEntries(
    entries.map(([word, meaning]) => [word, { description: meaning }]),
  );
  registerEnumType(values, { name, description, valuesConfig });
  return values;
}
