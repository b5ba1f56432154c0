/** Where a WebSocket client may put its credentials: browsers cannot set headers, so there are several places. */

const PARAMETERS = ['authorization', 'Authorization', 'apiKey', 'token'] as const;

/** The value for `Authenticator.authenticate`: from `connectionParams`, else the header of the upgrade request. */
export function credentialsOf(
  connectionParams: Readonly<Record<string, unknown>> | undefined,
  authorization: string | undefined,
): string | undefined {
  for (const name of PARAMETERS) {
    const value = connectionParams?.[name];
    if (typeof value === 'string') return value;
  }
  return authorization;
}
