/** Child process that only reads its environment. Several of them race to create the file of secrets. */

import { readEnvironment } from '../../src/cli/environment';
import { readProcessEnv } from '../../src/config/load-config';

const { env } = readEnvironment(readProcessEnv(), '/nowhere/.env', ['sumsub']);
const { DATA_KEYS, BOOTSTRAP_API_KEY, WEBHOOK_SECRETS_SUMSUB } = env;
process.stdout.write(JSON.stringify({ DATA_KEYS, BOOTSTRAP_API_KEY, WEBHOOK_SECRETS_SUMSUB }));
