/** Credentials of a WebSocket client. Browsers cannot set headers, so clients send them in several places. */

import { isJsonObject, type JsonObject } from '../io/json';

/** Parameters with credentials, in order of precedence. Letter case is ignored. */
const PARAMETERS = ['authorization', 'apikey', 'token'] as const;

/**
 * Returns the value for `Authenticator.authenticate`: from `connectionParams`, else from its `headers` (as Hasura's clients send
 * them), else from the header of the upgrade request.
 */
export function toCredentials(
  connectionParams: JsonObject | undefined,
  authorization: string | undefined,
): string | undefined {
  const parameters = toLowerCaseKeys(connectionParams);
  const headers = toLowerCaseKeys(parameters.headers);
  for (const name of PARAMETERS) {
    const value = parameters[name];
    if (isNonEmpty(value)) return value;
  }
  return isNonEmpty(headers.authorization) ? headers.authorization : authorization;
}

/** Some clients send an empty string while they have no token. */
function isNonEmpty(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** If several keys differ only in letter case, the first wins. */
function toLowerCaseKeys(value: unknown): JsonObject {
  if (!isJsonObject(value)) return {};
  const entries = Object.entries(value).map(([name, each]) => [name.toLowerCase(), each] as const);
  return Object.fromEntries(entries.reverse());
}
