/** Where a WebSocket client may put its credentials: browsers cannot set headers, so there are several places. */

import { isJsonObject, type JsonObject } from '../io/json-object';

/** In order of precedence; compared without regard to letter case. */
const PARAMETERS = ['authorization', 'apikey', 'token'] as const;

/**
 * The value for `Authenticator.authenticate`: from `connectionParams`, its `headers` (as Hasura's clients send them), else
 * the header of the upgrade request.
 */
export function toCredentials(
  connectionParams: JsonObject | undefined,
  authorization: string | undefined,
): string | undefined {
  const parameters = lowerCased(connectionParams);
  const headers = lowerCased(parameters.headers);
  for (const name of PARAMETERS) {
    const value = parameters[name];
    if (isText(value)) return value;
  }
  return isText(headers.authorization) ? headers.authorization : authorization;
}

/** An empty text is what some clients send while they have no token. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** The first of several names that differ in letter case wins. */
function lowerCased(value: unknown): JsonObject {
  if (!isJsonObject(value)) return {};
  const entries = Object.entries(value).map(([name, each]) => [name.toLowerCase(), each] as const);
  return Object.fromEntries(entries.reverse());
}
