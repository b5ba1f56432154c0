/** Optional input: GraphQL knows absent and null, the domain knows absent alone. */

type WithoutNullish<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** The fields that hold a value; an explicit null counts as absent. */
export function omitNullish<T extends object>(fields: T): WithoutNullish<T> {
  const held = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(held) as WithoutNullish<T>; // the filter above has left exactly these
}
