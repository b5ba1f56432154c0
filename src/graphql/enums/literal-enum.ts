/** GraphQL enums for unions of string literals. A value is spelled the same in code, rows and GraphQL. */

import { registerEnumType } from 'type-graphql';

/**
 * Registers an enum with type-graphql. Call it once per enum, at the top level of a module.
 *
 * @param descriptions - Description of every value. A missing value is a compile error.
 * @returns The enum object for `@Field(() => …)`.
 */
export function literalEnum<Value extends string>(
  name: string,
  description: string,
  descriptions: Readonly<Record<Value, string>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries<string>(descriptions);
  const values: Record<string, string> = Object.fromEntries(
    entries.map(([value]) => [value, value]),
  );
  const valuesConfig = Object.fromEntries(
    entries.map(([value, text]) => [value, { description: text }]),
  );
  registerEnumType(values, { name, description, valuesConfig });
  return values;
}
