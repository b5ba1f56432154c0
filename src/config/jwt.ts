/** `JWT_*`: the issuer and keys of end user tokens. */

import type { JwtOptions } from '../access/jwt';
import type { EnvironmentReader } from './environment';
import { isConfidential } from './parsers';

/** RFC 7518 requires an HS256 key at least as long as the digest. */
const MIN_SECRET_BYTES = 32;
/** Issuer and audience of tokens that a developer signs with the generated secret. */
const DEVELOPMENT_NAME = 'kyc-gateway';

/** @returns Null if neither a secret nor a key set is configured. End users then have no access. */
export function readJwt(
  reader: EnvironmentReader,
  mode: 'development' | 'production',
): JwtOptions | null {
  const secrets = reader.list('JWT_SECRET'); // all valid at once
  const jwksUrl = reader.text('JWT_JWKS_URL');
  if (secrets.length === 0 && jwksUrl === undefined) {
    rejectUnusedClaims(reader);
    return null;
  }
  if (secrets.length > 0 && jwksUrl !== undefined) {
    reader.fault('JWT_SECRET', 'unset if JWT_JWKS_URL is set, because tokens have one source');
  }
  if (secrets.some((secret) => Buffer.byteLength(secret) < MIN_SECRET_BYTES)) {
    reader.fault(
      'JWT_SECRET',
      `at least ${MIN_SECRET_BYTES} bytes long; the same applies to each secret of a list`,
    );
  }
  // An attacker who can spoof the key set can sign any token.
  if (jwksUrl !== undefined && !(URL.canParse(jwksUrl) && isConfidential(new URL(jwksUrl)))) {
    reader.fault('JWT_JWKS_URL', 'an https: URL (http: only on the loopback interface)');
  }
  const fallback = mode === 'development' ? DEVELOPMENT_NAME : undefined;
  const issuer = readClaim(reader, 'JWT_ISSUER', fallback, 'the `iss` claim of the tokens');
  const audience = readClaim(reader, 'JWT_AUDIENCE', fallback, 'the `aud` claim of the tokens');
  return {
    source: jwksUrl === undefined ? { secrets } : { jwksUrl },
    issuer,
    audience,
  };
}

function readClaim(
  reader: EnvironmentReader,
  name: string,
  fallback: string | undefined,
  expected: string,
): string {
  const value = reader.text(name) ?? fallback;
  if (value === undefined) reader.fault(name, expected);
  return value ?? '';
}

/** A configured issuer or audience without a key is an incomplete configuration. */
function rejectUnusedClaims(reader: EnvironmentReader): void {
  const names = ['JWT_ISSUER', 'JWT_AUDIENCE'].filter((name) => reader.text(name) !== undefined);
  for (const name of names) reader.fault(name, 'unset unless JWT_SECRET or JWT_JWKS_URL is set');
}
