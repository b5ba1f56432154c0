/** docs/configuration.md and `.env.example` match the variables that the gateway reads, and their defaults. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load-config';
import { VARIABLE_GROUPS, VARIABLE_NAMES } from '../../src/config/variables';
import { PROVIDER_IDS } from '../../src/providers/registry';
import { renderConfigurationPage, renderEnvExample } from './configuration-page';

const ROOT = join(__dirname, '../..');
const KEY = Buffer.alloc(32, 7).toString('base64');
const SECRET = 'a-secret-of-at-least-32-characters';
const VARIABLES = VARIABLE_GROUPS.flatMap(({ variables }) => variables);

const DEVELOPMENT = { DATA_KEYS: `k1:${KEY}`, JWT_SECRET: SECRET };
const PRODUCTION = {
  NODE_ENV: 'production',
  DATA_KEYS: `k1:${KEY}`,
  WEBHOOK_SECRETS_SUMSUB: SECRET,
  JWT_SECRET: SECRET,
  JWT_ISSUER: 'issuer',
  JWT_AUDIENCE: 'audience',
};

/** Variables that commands, the command line and `compose.yaml` read. */
const READ_ELSEWHERE = ['KYC_API_KEY', 'POLICY_FILE', 'POSTGRES_PASSWORD'];

function load(env: Readonly<Record<string, string>>) {
  return loadConfig({ env, policyText: null, faults: [] }, PROVIDER_IDS);
}

it.each([
  ['docs/configuration.md', renderConfigurationPage],
  ['.env.example', renderEnvExample],
])('%s is fresh: run `npm run docs`', (file, render) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toBe(render());
});

it('the table lists exactly the variables that are read', () => {
  const read = new Set(READ_ELSEWHERE);
  const env = new Proxy(PRODUCTION, {
    get: (target, name) => {
      read.add(String(name));
      return Reflect.get(target, name);
    },
  });
  load(env);
  expect([...VARIABLE_NAMES].sort()).toEqual([...read].sort());
});

it.each(VARIABLES.flatMap((one) => (one.default === undefined ? [] : [[one.name, one.default]])))(
  '%s has the documented default',
  (name, value) => {
    expect(load({ ...DEVELOPMENT, [name]: value })).toEqual(load(DEVELOPMENT));
  },
);

it.each(
  VARIABLES.flatMap(({ name, defaultInProduction, ...one }) => {
    const value = defaultInProduction ?? one.default;
    return value === undefined || name === 'NODE_ENV' ? [] : [[name, value]];
  }),
)('%s has the documented default in production', (name, value) => {
  expect(load({ ...PRODUCTION, [name]: value })).toEqual(load(PRODUCTION));
});

it('each variable is listed once', () => {
  expect(VARIABLE_NAMES.size).toBe(VARIABLES.length);
});
