/** Configuration and secrets of the gateways in drills. They are used nowhere else. */

import type { ProviderName } from '../../support/sign';

export const SECRETS: Readonly<Record<ProviderName, string>> = {
  'fractal-id': 'fractal-id-secret-of-the-fault-drills-0123',
  sumsub: 'sumsub-secret-of-the-fault-drills-0123',
  paycaddy: 'paycaddy-secret-of-the-fault-drills-0123',
  p100: 'p100-secret-of-the-fault-drills-0123',
};

export const API_KEY = 'api-key-of-the-drills-0123456789';

/** As in production, so that nothing is generated and nothing depends on the machine. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  NODE_ENV: 'production',
  ACCEPT_SANDBOX: 'true', // simulated events are marked as sandbox events
  DATA_KEYS: `drill:${Buffer.alloc(32, 7).toString('base64')}`,
  BOOTSTRAP_API_KEY: API_KEY,
  WEBHOOK_SECRETS_FRACTAL_ID: SECRETS['fractal-id'],
  WEBHOOK_SECRETS_SUMSUB: SECRETS.sumsub,
  WEBHOOK_SECRETS_PAYCADDY: SECRETS.paycaddy,
  WEBHOOK_SECRETS_P100: SECRETS.p100,
};
