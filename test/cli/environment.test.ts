/** Tests of the sources of the configuration and of generated secrets. */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseApiKey } from '../../src/access/api-key';
import { readEnvironment } from '../../src/cli/environment';
import { type Environment, loadConfig } from '../../src/config/load-config';
import { toSecretsVariable } from '../../src/config/webhook-secrets';
import { ConfigError } from '../../src/domain/errors';
import { PROVIDERS as REGISTERED } from '../../src/providers/registry';
import { spawnScript } from './spawn';

const PROVIDERS = ['fractal-id', 'sumsub', 'paycaddy', 'p100'];

let folder: string;
let dataDir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kyc-env-'));
  dataDir = join(folder, 'data');
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(env: Environment = {}, providers = PROVIDERS) {
  return readEnvironment({ DATA_DIR: dataDir, ...env }, join(folder, '.env'), providers);
}

describe('in development', () => {
  it('requires no configuration', () => {
    const config = loadConfig(read(), PROVIDERS);
    expect(Object.keys(config.webhookSecrets)).toEqual(PROVIDERS);
    expect(parseApiKey(config.bootstrapApiKey ?? '')).toBeDefined();
    expect(config.jwt?.source).toHaveProperty('secrets');
    expect(config.dataKeys).toHaveLength(1);
  });

  it('generates values that are valid in production', () => {
    expect(() =>
      loadConfig(
        { ...read(), env: { ...read().env, NODE_ENV: 'production', JWT_SECRET: '' } },
        PROVIDERS,
      ),
    ).not.toThrow();
  });

  it('generates secrets once, readable only by their owner', () => {
    const first = read();
    const file = join(dataDir, 'secrets.env');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(readdirSync(dataDir)).toEqual(['secrets.env']);
    const content = readFileSync(file, 'utf8');
    expect(read()).toEqual(first);
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  it('generates different secrets in every folder', () => {
    const values = new Set<string | undefined>();
    for (const name of ['a', 'b']) {
      const { env } = read({ DATA_DIR: join(folder, name) });
      for (const variable of SECRETS) values.add(env[variable]);
    }
    expect(values.size).toBe(2 * SECRETS.length);
    expect(values).not.toContain(undefined);
  });

  it('prefers variables to `.env`, and `.env` to generated secrets', () => {
    writeFileSync(join(folder, '.env'), 'WEBHOOK_SECRETS_SUMSUB=dot\nWEBHOOK_SECRETS_P100=dot\n');
    const { env } = read({ WEBHOOK_SECRETS_SUMSUB: 'variable' });
    expect(env.WEBHOOK_SECRETS_SUMSUB).toBe('variable');
    expect(env.WEBHOOK_SECRETS_P100).toBe('dot');
    expect(env.WEBHOOK_SECRETS_PAYCADDY).toMatch(/^[\w-]{43}$/);
  });

  it('generates a secret for an empty variable', () => {
    expect(read({ DATA_KEYS: '' }).env.DATA_KEYS).toMatch(/^dev:/);
  });

  it('reads DATA_DIR from `.env`', () => {
    writeFileSync(join(folder, '.env'), `DATA_DIR=${join(folder, 'elsewhere')}\n`);
    read({ DATA_DIR: undefined });
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['secrets.env']);
  });

  it('uses a secret that the developer wrote to the file', () => {
    read();
    const file = join(dataDir, 'secrets.env');
    const changed = readFileSync(file, 'utf8').replace(/(WEBHOOK_SECRETS_P100=).*/, '$1mine');
    writeFileSync(file, changed);
    expect(read().env.WEBHOOK_SECRETS_P100).toBe('mine');
  });

  it('derives a stable secret for a provider that was added later', () => {
    const before = read({}, ['sumsub']).env;
    const after = read({}, ['sumsub', 'veriff']).env;
    expect(after.WEBHOOK_SECRETS_SUMSUB).toBe(before.WEBHOOK_SECRETS_SUMSUB);
    expect(after.WEBHOOK_SECRETS_VERIFF).toMatch(/^[\w-]{43}$/);
    expect(read({}, ['sumsub', 'veriff']).env).toEqual(after);
  });

  it('derives no secrets from a file without a seed', () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'secrets.env'), 'DATA_KEYS=x\n');
    const { env } = read();
    expect(env.WEBHOOK_SECRETS_SUMSUB).toBeUndefined();
    expect(env.BOOTSTRAP_API_KEY).toBeUndefined();
  });

  it('generates no JWT secret if a key set is configured', () => {
    expect(read({ JWT_JWKS_URL: 'http://localhost/keys' }).env.JWT_SECRET).toBeUndefined();
  });

  it('generates the same secrets in concurrent processes', async () => {
    const runs = Array.from(
      { length: 8 },
      () => spawnScript(join(__dirname, 'print-secrets.ts'), { DATA_DIR: dataDir }).finished,
    );
    const printed = await Promise.all(runs);
    expect(printed.map(({ code }) => code)).toEqual(Array(8).fill(0));
    expect(new Set(printed.map(({ out }) => out)).size).toBe(1);
    expect(JSON.parse(printed[0]?.out ?? '')).toMatchObject({ DATA_KEYS: read().env.DATA_KEYS });
    expect(readdirSync(dataDir)).toEqual(['secrets.env']);
  });

  it('reports a data folder that is not writable', () => {
    writeFileSync(join(folder, 'file'), '');
    const file = join(folder, 'file');
    const faults = [
      `DATA_DIR: ${file} cannot be created, read or written (ENOTDIR). Check its permissions.`,
    ];
    const sources = read({ DATA_DIR: file });
    expect(sources.faults).toEqual(faults);
    expect(() => loadConfig(sources, PROVIDERS)).toThrow(expect.objectContaining({ faults })); // and no consequential faults
  });
});

describe.each(['production', 'prod'])('with NODE_ENV=%s', (NODE_ENV) => {
  it('generates nothing and does not read `.env`', () => {
    writeFileSync(join(folder, '.env'), 'WEBHOOK_SECRETS_SUMSUB=dot\n');
    const expected = { NODE_ENV, DATA_DIR: dataDir };
    expect(read({ NODE_ENV })).toEqual({
      env: expected,
      policyText: null,
      trustedDocumentsText: null,
      faults: [],
      origins: {},
      generated: [],
    });
    expect(readdirSync(folder)).toEqual(['.env']);
  });
});

it('generates nothing if `.env` sets production', () => {
  writeFileSync(join(folder, '.env'), 'NODE_ENV=production\n');
  expect(read().env).toEqual({ NODE_ENV: 'production', DATA_DIR: dataDir });
});

it('reads the policy file', () => {
  const file = join(folder, 'policy.json');
  writeFileSync(file, '{}');
  expect(read({ POLICY_FILE: file }).policyText).toBe('{}');
});

it('reports a missing policy file', () => {
  const { policyText, faults } = read({ POLICY_FILE: join(folder, 'none.json') });
  expect(policyText).toBeNull();
  const file = join(folder, 'none.json');
  expect(faults).toEqual([`POLICY_FILE: ${file} cannot be read (ENOENT)`]);
});

it('reports a misspelled name even if the correct one is generated', () => {
  const sources = read({ JWT_SECERT: 'x', WEBHOOK_SECRET_SUMSUB: 'x' });
  expect(() => loadConfig(sources, PROVIDERS)).toThrow(
    /^JWT_SECERT: .*JWT_SECRET\?\nWEBHOOK_SECRET_SUMSUB: .*WEBHOOK_SECRETS_SUMSUB\?$/,
  );
});

describe('faults name the source', () => {
  const faultsOf = (env: Environment) => {
    try {
      loadConfig(read(env), PROVIDERS);
    } catch (error) {
      if (error instanceof ConfigError) return error.faults;
      throw error;
    }
    return [];
  };

  it('for the file of generated secrets', () => {
    read();
    const file = join(dataDir, 'secrets.env');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/DATA_KEYS=.*/, 'DATA_KEYS=S3CR3T'));
    const [fault = '', ...others] = faultsOf({});
    expect(others).toEqual([]);
    expect(fault).toMatch(/^DATA_KEYS: must be/);
    expect(fault).toContain(`(set in ${file})`);
    expect(fault).not.toContain('S3CR3T');
  });

  it('for `.env`, but not for variables of the process', () => {
    const file = join(folder, '.env');
    writeFileSync(file, 'PORT=many\nLOG_LEVEL=loud\n');
    expect(faultsOf({ LOG_LEVEL: 'quiet' })).toEqual([
      `PORT: must be a whole number from 0 to 65535 (set in ${file})`,
      expect.stringMatching(/^LOG_LEVEL: [^(]*$/),
    ]);
  });
});

const SECRETS = [
  'BOOTSTRAP_API_KEY',
  'JWT_SECRET',
  'DATA_KEYS',
  'WEBHOOK_SECRETS_FRACTAL_ID',
  'WEBHOOK_SECRETS_SUMSUB',
  'WEBHOOK_SECRETS_PAYCADDY',
  'WEBHOOK_SECRETS_P100',
];

it('generates the secrets variable of every provider', () => {
  for (const { id } of REGISTERED) {
    expect(read().env).toHaveProperty(toSecretsVariable(id));
  }
});
