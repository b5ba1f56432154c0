/** Credentials for provider APIs. All are optional, but the credentials of one provider must be complete. */

import { createPrivateKey } from 'node:crypto';
import type { ProviderApis } from '../providers/registry';
import type { EnvironmentReader } from './environment';
import { isConfidential } from './parsers';

export function readProviderApis(
  reader: EnvironmentReader,
  fractalIdFormat: 'classic' | 'kraken',
): ProviderApis {
  const kraken = readKraken(reader, fractalIdFormat);
  const appToken = readHeaderValue(reader, 'SUMSUB_APP_TOKEN');
  const secretKey = reader.text('SUMSUB_SECRET_KEY');
  if (appToken !== undefined && secretKey === undefined) {
    reader.fault('SUMSUB_SECRET_KEY', 'set if SUMSUB_APP_TOKEN is set');
  }
  if (appToken === undefined && secretKey !== undefined) {
    reader.fault('SUMSUB_APP_TOKEN', 'set if SUMSUB_SECRET_KEY is set');
  }
  const sumsub = readOrigin(reader, 'SUMSUB_BASE_URL', 'https://api.sumsub.com');
  const paycaddyKey = readHeaderValue(reader, 'PAYCADDY_API_KEY');
  const paycaddy = readOrigin(reader, 'PAYCADDY_BASE_URL', undefined);
  if (paycaddyKey !== undefined && reader.text('PAYCADDY_BASE_URL') === undefined) {
    reader.fault(
      'PAYCADDY_BASE_URL',
      'the URL of the PayCaddy API if PAYCADDY_API_KEY is set; PayCaddy publishes no production URL',
    );
  }
  const p100Key = readHeaderValue(reader, 'P100_API_KEY');
  const p100 = readOrigin(reader, 'P100_BASE_URL', 'https://partner-api.p100.io');
  return {
    ...(kraken && { 'fractal-id': kraken }),
    ...(appToken && secretKey && sumsub && { sumsub: { appToken, secretKey, origin: sumsub } }),
    ...(paycaddyKey && paycaddy && { paycaddy: { apiKey: paycaddyKey, origin: paycaddy } }),
    ...(p100Key && p100 && { p100: { apiKey: p100Key, origin: p100 } }),
  };
}

function readKraken(
  reader: EnvironmentReader,
  format: 'classic' | 'kraken',
): ProviderApis['fractal-id'] {
  const clientId = reader.text('FRACTAL_ID_CLIENT_ID');
  const privateKey = reader.text('FRACTAL_ID_PRIVATE_KEY')?.replaceAll('\\n', '\n');
  const origin = readOrigin(reader, 'FRACTAL_ID_BASE_URL', 'https://kraken.fractal.id');
  if (privateKey !== undefined && !isP521Key(privateKey)) {
    reader.fault(
      'FRACTAL_ID_PRIVATE_KEY',
      'a PKCS #8 private key on curve P-521 in PEM; line breaks may be written as \\n',
    );
  }
  if (privateKey !== undefined && clientId === undefined) {
    reader.fault('FRACTAL_ID_CLIENT_ID', 'set if FRACTAL_ID_PRIVATE_KEY is set');
  }
  if (privateKey === undefined && clientId !== undefined) {
    reader.fault('FRACTAL_ID_PRIVATE_KEY', 'set if FRACTAL_ID_CLIENT_ID is set');
  }
  if (privateKey !== undefined && format !== 'kraken') {
    reader.fault('FRACTAL_ID_PRIVATE_KEY', 'unset unless FRACTAL_ID_FORMAT is kraken');
  }
  return clientId && privateKey && origin ? { clientId, privateKey, origin } : undefined;
}

function isP521Key(pem: string): boolean {
  if (!pem.trimStart().startsWith('-----BEGIN PRIVATE KEY-----')) return false;
  try {
    return createPrivateKey(pem).asymmetricKeyDetails?.namedCurve === 'secp521r1';
  } catch {
    return false;
  }
}

function readHeaderValue(reader: EnvironmentReader, name: string): string | undefined {
  const value = reader.text(name);
  if (value === undefined || /^[\x21-\x7e]+$/.test(value)) return value;
  reader.fault(name, 'printable ASCII without spaces, because it is sent in a header');
  return undefined;
}

/** Requires `https:` except on the loopback interface: credentials are sent to this origin. */
function readOrigin(
  reader: EnvironmentReader,
  name: string,
  fallback: string | undefined,
): string | undefined {
  const text = reader.text(name);
  if (text === undefined) return fallback;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url !== undefined && [url.origin, `${url.origin}/`].includes(text);
  if (isOrigin && isConfidential(url)) return url.origin;
  reader.fault(name, '`https://<host>` without a path, or `http:` on the loopback interface');
  return undefined;
}
