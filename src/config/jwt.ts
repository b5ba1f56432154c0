/** `JWT_*`: whose tokens end users may come with. */

import type { EnvironmentReader } from './environment';
import { isConfidential } from './parsers';

export interface JwtConfig {
  readonly source: { readonly secrets: readonly string[] } | { readonly jwksUrl: string };
  readonly issuer: string;
  readonly audience: string;
}

/** HS256 asks for a key at least as long as its digest. */
const MIN_SECRET_BYTES = 32;
/** Issuer and audience of tokens that a developer makes with the generated secret. */
const DEVELOPMENT_NAME = 'kyc-gateway';

/** @returns `null` where neither a secret nor a key set is given: then end users have no access. */
export function readJwt(
  reader: EnvironmentReader,
  mode: 'development' | 'production',
): JwtConfig | null {
  const secrets = reader.list('JWT_SECRET'); // all valid at once
  const jwksUrl = reader.text('JWT_JWKS_URL');
  if (secrets.length === 0 && jwksUrl === undefined) {
    assertNoLeftovers(reader);
    return null;
  }
  if (secrets.length > 0 && jwksUrl !== undefined) {
    reader.fault('JWT_SECRET', 'to be unset beside JWT_JWKS_URL: tokens come from one source');
  }
  if (secrets.some((secret) => Buffer.byteLength(secret) < MIN_SECRET_BYTES)) {
    reader.fault(
      'JWT_SECRET',
      `at least ${MIN_SECRET_BYTES} bytes, each where several are separated by commas`,
    );
  }
  // Whoever can answer in place of the key set can sign any token.
  if (jwksUrl !== undefined && !(URL.canParse(jwksUrl) && isConfidential(new URL(jwksUrl)))) {
    reader.fault('JWT_JWKS_URL', 'an https: URL (http: only on the loopback interface)');
  }
  const fallback = mode === 'development' ? DEVELOPMENT_NAME : undefined;
  const issuer = required(reader, 'JWT_ISSUER', fallback, 'the `iss` of the tokens');
  const audience = required(reader, 'JWT_AUDIENCE', fallback, 'the `aud` of the tokens');
  return {
    source: jwksUrl === undefined ? { secrets } : { jwksUrl },
    issuer,
    audience,
  };
}

function required(
  reader: EnvironmentReader,
  name: string,
  fallback: string | undefined,
  expected: string,
): string {
  const value = reader.text(name) ?? fallback;
  if (value === undefined) reader.fault(name, expected);
  return value ?? '';
}

/** Somebody who names an issuer wants tokens checked, and forgot by what. */
function assertNoLeftovers(reader: EnvironmentReader): void {
  const given = ['JWT_ISSUER', 'JWT_AUDIENCE'].filter((name) => reader.text(name) !== undefined);
  for (const name of given) reader.fault(name, 'JWT_SECRET or JWT_JWKS_URL beside it');
}
