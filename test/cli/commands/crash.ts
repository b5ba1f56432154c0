/** Gateway with an unhandled error. The argument selects a rejection or an exception. */

import 'reflect-metadata';
import { loadConfig, readProcessEnv } from '../../../src/config/load-config';
import { runGateway } from '../../../src/main';
import { createLogger } from '../../../src/observability/log';
import { PROVIDERS } from '../../../src/providers/registry';

const config = loadConfig(
  { env: readProcessEnv(), policyText: null, faults: [] },
  PROVIDERS.map(({ id }) => id),
);

void runGateway(config, createLogger({ level: 'info', pretty: false, personal: [] }), () => {
  const error = new Error('unhandled');
  if (process.argv[2] === 'rejection') void Promise.reject(error);
  else
    setImmediate(() => {
      throw error;
    });
});
