/** Parameters of a GraphQL request that clients send empty instead of leaving them out: the same as absent. */

/** Optional parameters of a URL, with the values that mean nothing. */
const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  operationName: [''],
  variables: ['', 'null'],
  extensions: ['', 'null'],
};

/** @param search - Begins with `?` or is empty. A parameter given twice is left for Apollo Server to refuse. */
export function withoutEmptyParameters(search: string): string {
  const parameters = new URLSearchParams(search);
  const empty = Object.entries(OPTIONAL).filter(([name, nothing]) => {
    const [value, ...others] = parameters.getAll(name);
    return value !== undefined && others.length === 0 && nothing.includes(value);
  });
  if (empty.length === 0) return search;
  for (const [name] of empty) parameters.delete(name);
  return `?${parameters}`;
}

/** For parameters sent as JSON, where of the optional ones only the name of the operation is a text. */
export function withoutEmptyName<P extends { readonly operationName?: unknown }>(parameters: P): P {
  return parameters.operationName === '' ? { ...parameters, operationName: null } : parameters;
}
