/** What somebody sees who starts the gateway for the first time. */

import { join, relative } from 'node:path';
import type { Config } from '../config/load-config';
import { curl } from './curl';
import { SECRETS_FILE } from './generated-secrets';

/** @param url - Where the gateway listens, without a path. */
export function welcome(config: Config, url: string): string {
  const served = Object.keys(config.webhookSecrets);
  const secrets = relative(process.cwd(), join(config.dataDir, SECRETS_FILE));
  const where = config.port === 0 ? ` -- --url ${url}` : '';
  const query = '{ users(first: 5) { nodes { externalUserId verificationStatus } } }';
  return `
KYC gateway, development mode

  GraphQL    ${url}/graphql
  Subscribe  ${url.replace(/^http/, 'ws')}/graphql
  Webhooks   ${url}/webhooks/<provider>   (${served.join(', ')})
  API key    ${config.bootstrapApiKey ?? 'none: make one with `kyc-gateway keys create`'}
  Secrets    ${secrets}

In a second terminal, watch changes arrive:

  npm run watch${where}

In a third, play the vendor, then ask what became of it:

  npm run simulate -- sumsub approve${where.replace(' --', '')}
  ${curl(url, config.bootstrapApiKey, query)}
`;
}
