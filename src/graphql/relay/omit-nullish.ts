/** Optional input: GraphQL distinguishes absent from null, the domain has only absent. */

type WithoutNullish<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** Returns the fields with a value. Omits null and undefined. */
export function omitNullish<T extends object>(fields: T): WithoutNullish<T> {
  const present = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(present) as WithoutNullish<T>; // the filter keeps exactly these fields
}
