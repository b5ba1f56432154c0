/** Tests of `loadConfig`: accepted values, faults, and the absence of values in faults. */

import { generateKeyPairSync } from 'node:crypto';
import { resolve } from 'node:path';
import { DEFAULT_DOCUMENT_LIMITS } from '../../src/config/graphql';
import {
  type ConfigSources,
  getDataDir,
  getMode,
  loadConfig,
  loadDatabaseConfig,
} from '../../src/config/load-config';
import { ConfigError } from '../../src/domain/errors';
import { DEFAULT_MONITORING_RULES } from '../../src/domain/monitoring';

const PROVIDERS = ['fractal-id', 'sumsub', 'paycaddy', 'p100'];
const KEY = Buffer.alloc(32, 7).toString('base64');
const LONG = 'a-secret-of-at-least-32-characters';

const DEVELOPMENT = { DATA_KEYS: `k1:${KEY}` };
const PRODUCTION = {
  NODE_ENV: 'production',
  DATA_KEYS: `k1:${KEY}`,
  WEBHOOK_SECRETS_SUMSUB: 'a secret of sumsub',
};

function sources(env: ConfigSources['env'], more: Partial<ConfigSources> = {}): ConfigSources {
  return { env, policyText: null, faults: [], ...more };
}

function load(env: ConfigSources['env'], more: Partial<ConfigSources> = {}) {
  return loadConfig(sources(env, more), PROVIDERS);
}

function faultsOf(env: ConfigSources['env'], more: Partial<ConfigSources> = {}): readonly string[] {
  try {
    load(env, more);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

/** Returns the names of the faulty variables without duplicates. */
function faultyNames(env: ConfigSources['env'], more: Partial<ConfigSources> = {}): string[] {
  return [...new Set(faultsOf(env, more).map((fault) => fault.slice(0, fault.indexOf(':'))))];
}

describe('defaults', () => {
  it('run in development mode on the loopback interface with data in ./data', () => {
    expect(load(DEVELOPMENT)).toEqual({
      mode: 'development',
      host: '127.0.0.1',
      port: 4000,
      dataDir: resolve('data'),
      database: { kind: 'sqlite', file: resolve('data/kyc.sqlite'), setting: 'DATA_DIR' },
      redisUrl: null,
      webhookSecrets: {},
      fractalIdFormat: 'classic',
      sumsubMinimumDigest: 'sha256',
      sumsubErasures: false,
      bootstrapApiKey: null,
      jwt: null,
      graphql: { introspection: true, limits: DEFAULT_DOCUMENT_LIMITS },
      trustedDocuments: { mode: 'off', texts: new Map() },
      http: {
        allowedOrigins: [],
        allowLocalOrigins: true,
        trustedProxies: 0,
        keepAliveMs: 75_000,
        webhooksPerSecond: 5_000,
        webhookAddresses: {},
        quotas: {
          socketsPerAddress: 10_000,
          socketsPerKey: 10_000,
          socketsPerUser: 50,
          operationsPerAddress: 100_000,
          operationsPerKey: 100_000,
          operationsPerUser: 500,
          operationsPerSecond: null,
        },
      },
      dataKeys: [{ id: 'k1', key: Buffer.alloc(32, 7) }],
      policy: { verified: null, expiresAfterMs: {} },
      policyGuard: { maxLossPercent: 10, force: false },
      acceptSandbox: true,
      clockSkewMs: 300_000,
      endUserReasons: 'limited',
      logLevel: 'info',
      changeLogRetentionDays: null,
      erasureHold: null,
      rawBodyRetentionMs: null,
      providerApis: {},
      reconciliation: {
        intervalMs: 300_000,
        openAfterMs: 3_600_000,
        unconfirmedAfterMs: 60_000,
        quietAfterMs: 30 * 86_400_000,
        maxPerSecond: 5,
      },
      monitoring: DEFAULT_MONITORING_RULES,
    });
  });

  it('do not count sandbox events in production', () => {
    expect(load(PRODUCTION)).toMatchObject({ mode: 'production', acceptSandbox: false });
  });

  it('allow local pages only in development and only without configured origins', () => {
    const named = { ALLOWED_ORIGINS: 'https://a.example' };
    expect(load({ ...DEVELOPMENT, ...named }).http.allowLocalOrigins).toBe(false);
    expect(load(PRODUCTION).http.allowLocalOrigins).toBe(false);
  });

  it('accept origins of web views and browser extensions', () => {
    const origins = [
      ...['capacitor://localhost', 'ionic://localhost', 'tauri://localhost', 'https://localhost'],
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
      'moz-extension://1f3e6b2c-5a9d-4c1e-8f00-0a1b2c3d4e5f',
    ];
    const { http: edge } = load({ ...PRODUCTION, ALLOWED_ORIGINS: origins.join(', ') });
    expect(edge.allowedOrigins).toEqual(origins);
  });

  it('describe the format of an origin in the fault', () => {
    const [fault] = faultsOf({ ...DEVELOPMENT, ALLOWED_ORIGINS: 'http://localhost:5173/' });
    expect(fault).toMatch(/without a path, a trailing slash or `\*`/);
  });

  it('apply to an empty variable', () => {
    expect(load({ ...DEVELOPMENT, PORT: '', HOST: ' ', REDIS_URL: '' })).toEqual(load(DEVELOPMENT));
  });
});

describe('every variable', () => {
  it('is read into the configuration', () => {
    const config = load({
      ...PRODUCTION,
      HOST: '0.0.0.0',
      PORT: '0',
      DATA_DIR: '/var/kyc',
      FRACTAL_ID_FORMAT: 'kraken',
      SUMSUB_MINIMUM_DIGEST: 'sha1',
      SUMSUB_ERASURES: 'true',
      BOOTSTRAP_API_KEY: LONG,
      ACCEPT_SANDBOX: 'true',
      CLOCK_SKEW: 'PT1M',
      POLICY_MAX_LOSS_PERCENT: '25',
      POLICY_FORCE: 'true',
      END_USER_REASONS: 'all',
      LOG_LEVEL: 'debug',
      CHANGE_LOG_RETENTION_DAYS: '90',
      ERASURE_HOLD: 'P5Y',
      ERASURE_HOLD_BASIS: 'an act',
      RAW_BODY_RETENTION: 'P90D',
      STALLED_AFTER: 'IN_REVIEW=PT6H, PENDING=P90D',
      SILENT_AFTER: 'PT2H',
      SILENT_MIN_DELIVERIES: '3',
      REDIS_URL: 'redis://redis.example.com',
    });
    expect(config).toMatchObject({
      host: '0.0.0.0',
      port: 0,
      dataDir: '/var/kyc',
      database: { kind: 'sqlite', file: '/var/kyc/kyc.sqlite', setting: 'DATA_DIR' },
      fractalIdFormat: 'kraken',
      sumsubMinimumDigest: 'sha1',
      sumsubErasures: true,
      bootstrapApiKey: LONG,
      acceptSandbox: true,
      clockSkewMs: 60_000,
      policyGuard: { maxLossPercent: 25, force: true },
      logLevel: 'debug',
      changeLogRetentionDays: 90,
      erasureHold: { term: 'P5Y', basis: 'an act' },
      rawBodyRetentionMs: 90 * 86_400_000,
      monitoring: {
        stalledAfterMs: {
          ...DEFAULT_MONITORING_RULES.stalledAfterMs,
          IN_REVIEW: 6 * 3_600_000,
          PENDING: 90 * 24 * 3_600_000,
        },
        silence: { afterMs: 2 * 3_600_000, floor: 3 },
      },
      redisUrl: 'redis://redis.example.com',
    });
  });

  it.each([
    ['NODE_ENV', 'prod'],
    ['STALLED_AFTER', 'P3D'],
    ['STALLED_AFTER', 'APPROVED=P3D'],
    ['STALLED_AFTER', 'IN_REVIEW=3 days'],
    ['STALLED_AFTER', 'IN_REVIEW=P3D,IN_REVIEW=P4D'],
    ['SILENT_AFTER', '30'],
    ['SILENT_MIN_DELIVERIES', '0'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '4e3'],
    ['FRACTAL_ID_FORMAT', 'Classic'],
    ['SUMSUB_MINIMUM_DIGEST', 'md5'],
    ['ACCEPT_SANDBOX', 'yes'],
    ['END_USER_REASONS', 'some'],
    ['LOG_LEVEL', 'verbose'],
    ['CHANGE_LOG_RETENTION_DAYS', '0'],
    ['CHANGE_LOG_RETENTION_DAYS', '1.5'],
    ['BOOTSTRAP_API_KEY', 'too-short'],
    ['BOOTSTRAP_API_KEY', `${LONG} with blanks`],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_URL', 'http://localhost'],
    ['REDIS_URL', 'redis://'],
    ['REDIS_URL', 'redis://localhost:port'],
    ['REDIS_URL', 'redis://localhost/name'],
    ['REDIS_URL', 'redis://localhost?tls=true'],
    ['REDIS_URL', 'redis://:100%@localhost'],
    // Without `sslmode`, data for a remote server would be sent unencrypted.
    ['DATABASE_URL', 'postgres://user:password@host/db'],
    ['DATABASE_URL', 'postgresql://host'],
    ['DATABASE_URL', 'postgres://host/a/b?sslmode=require'],
    ['DATABASE_URL', 'postgres://host/db?sslmode=prefer'],
    ['DATABASE_URL', 'postgres://host/db?sslmode=verify-ca'],
    ['DATABASE_URL', 'postgres://host/db?sslmode=disable&sslrootcert=/ca.pem'],
    ['DATABASE_URL', 'postgres://localhost/db?pool=7'],
    ['DATABASE_URL', 'postgres://localhost/%zz'],
    ['DATABASE_CONNECTIONS', '5'],
    ['DATABASE_DRIVER', 'sqlite'],
    ['DATABASE_DRIVER', 'better-sqlite3@12'],
    ['DATABASE_URL', 'mysql://host/db'],
    ['DATABASE_URL', 'sqlite:'],
    ['DATABASE_URL', 'sqlite::memory:'],
    ['DATABASE_URL', 'sqlite://relative/path'],
    ['DATA_KEYS', 'no-colon'],
    ['DATA_KEYS', `k1:${Buffer.alloc(31, 7).toString('base64')}`],
    ['DATA_KEYS', `k1:${KEY},k1:${Buffer.alloc(32, 8).toString('base64')}`],
    ['DATA_KEYS', `k1:${KEY},broken`],
  ])('%s must not be %s', (name, value) => {
    expect(faultyNames({ ...PRODUCTION, [name]: value })).toEqual([name]);
  });

  it.each([
    'redis://localhost',
    'redis://:word@10.0.0.1:6380/3',
    'rediss://user:p%40ss@redis.example.com/',
    'redis://[::1]:6379',
  ])('REDIS_URL can be %s', (url) => {
    expect(load({ ...PRODUCTION, REDIS_URL: url }).redisUrl).toBe(url);
  });
});

describe('faults', () => {
  it('are reported together in one error', () => {
    const env = {
      NODE_ENV: 'production',
      PORT: 'x',
      LOG_LEVEL: 'x',
      JWT_SECRET: 'x',
      DATA_KEYS: 'x',
      WEBHOOK_SECRETS_PAYCADDY: 'x',
      WEBHOOK_SECRETS_SUMSUB: 'x',
    };
    expect(faultyNames(env, { policyText: '[]', faults: ['DATA_DIR: x'] }).sort()).toEqual([
      'DATA_DIR',
      'DATA_KEYS',
      'JWT_AUDIENCE',
      'JWT_ISSUER',
      'JWT_SECRET',
      'LOG_LEVEL',
      'POLICY_FILE',
      'PORT',
      'WEBHOOK_SECRETS_PAYCADDY',
      'WEBHOOK_SECRETS_SUMSUB',
    ]);
  });

  it('never contain a value', () => {
    const value = 'S3CR3T-V4LUE';
    const names = [
      'NODE_ENV',
      'PORT',
      'DATABASE_URL',
      'FRACTAL_ID_FORMAT',
      'SUMSUB_MINIMUM_DIGEST',
      'BOOTSTRAP_API_KEY',
      'JWT_SECRET',
      'JWT_JWKS_URL',
      'DATA_KEYS',
      'ACCEPT_SANDBOX',
      'LOG_LEVEL',
      'CHANGE_LOG_RETENTION_DAYS',
      'REDIS_URL',
      'WEBHOOK_SECRETS_FRACTAL_ID',
      'WEBHOOK_SECRETS_SUMSUB',
      'WEBHOOK_SECRETS_PAYCADDY',
      'WEBHOOK_SECRETS_P100',
      'WEBHOOK_SECRETS_TYPO',
    ];
    const env = Object.fromEntries(names.map((name) => [name, value]));
    const faults = faultsOf(env, { policyText: `{"verified": "${value}"}` });
    expect(faultyNames(env, { policyText: '[]' })).toEqual(expect.arrayContaining(names));
    expect(faults.join('\n')).not.toContain(value);
  });

  it('include those of production if the mode is unknown, so that a typing error fails closed', () => {
    expect(faultyNames({ NODE_ENV: 'prod' })).toEqual([
      'NODE_ENV',
      'DATA_KEYS',
      'WEBHOOK_SECRETS_<PROVIDER>',
    ]);
    expect(getMode({ NODE_ENV: 'prod' })).toBe('production');
    expect(getMode({})).toBe('development');
  });
});

describe('webhook secrets', () => {
  it('keep their order if a provider has several', () => {
    const { webhookSecrets } = load({
      ...DEVELOPMENT,
      WEBHOOK_SECRETS_SUMSUB: 'new, old,',
      WEBHOOK_SECRETS_P100: 'token',
    });
    expect(webhookSecrets).toEqual({
      sumsub: [{ secret: 'new' }, { secret: 'old' }],
      p100: [{ secret: 'token' }],
    });
  });

  it('can be bound to a notification type of Fractal ID', () => {
    const { webhookSecrets } = load({
      ...DEVELOPMENT,
      WEBHOOK_SECRETS_FRACTAL_ID: 'verification_approved=one,email_changed=two==,three',
    });
    expect(webhookSecrets['fractal-id']).toEqual([
      { secret: 'one', type: 'verification_approved' },
      { secret: 'two==', type: 'email_changed' },
      { secret: 'three' },
    ]);
  });

  it.each(['c2VjcmV0=', 'c2VjcmV0==', 'Abc=def', 'abc=def', 'snake_case=', 'snake_case=='])(
    'can contain an equals sign, as in %s',
    (secret) => {
      const { webhookSecrets } = load({ ...DEVELOPMENT, WEBHOOK_SECRETS_FRACTAL_ID: secret });
      expect(webhookSecrets['fractal-id']).toEqual([{ secret }]);
    },
  );

  it('have no types at other providers', () => {
    const secret = 'verification_approved=one';
    const { webhookSecrets } = load({ ...DEVELOPMENT, WEBHOOK_SECRETS_SUMSUB: secret });
    expect(webhookSecrets.sumsub).toEqual([{ secret }]);
  });

  it('with a misspelled type are rejected because they would never match', () => {
    const env = { ...DEVELOPMENT, WEBHOOK_SECRETS_FRACTAL_ID: 'verification_aproved=one' };
    expect(faultyNames(env)).toEqual(['WEBHOOK_SECRETS_FRACTAL_ID']);
  });

  it('for a misspelled provider are rejected because the provider would have no route', () => {
    const env = { ...DEVELOPMENT, WEBHOOK_SECRETS_FRACTALID: 'one' };
    expect(faultyNames(env)).toEqual(['WEBHOOK_SECRETS_FRACTALID']);
  });

  it('are rejected if the list contains only commas', () => {
    expect(faultyNames({ ...DEVELOPMENT, WEBHOOK_SECRETS_P100: ' , ' })).toEqual([
      'WEBHOOK_SECRETS_P100',
    ]);
  });

  it.each([
    ['WEBHOOK_SECRETS_SUMSUB', 15],
    ['WEBHOOK_SECRETS_P100', 15],
    ['WEBHOOK_SECRETS_FRACTAL_ID', 15],
    ['WEBHOOK_SECRETS_PAYCADDY', 31],
  ])('%s with %i characters is too short for production', (name, length) => {
    const strong = { ...PRODUCTION, [name]: 'x'.repeat(length + 1) };
    const weak = { ...PRODUCTION, [name]: `${'x'.repeat(length + 1)},${'x'.repeat(length)}` };
    expect(faultyNames(strong)).toEqual([]);
    expect(faultyNames(weak)).toEqual([name]);
    expect(faultyNames({ ...weak, NODE_ENV: 'development' })).toEqual([]);
  });

  it('are measured without their type', () => {
    const env = { ...PRODUCTION, WEBHOOK_SECRETS_FRACTAL_ID: 'verification_approved=short' };
    expect(faultyNames(env)).toEqual(['WEBHOOK_SECRETS_FRACTAL_ID']);
  });

  it.each(['with/slash', 'with?mark', 'with space', 'with#hash', 'with%41'])(
    'of PayCaddy are part of a URL and must not be %s',
    (secret) => {
      const env = { ...DEVELOPMENT, WEBHOOK_SECRETS_PAYCADDY: secret };
      expect(faultyNames(env)).toEqual(['WEBHOOK_SECRETS_PAYCADDY']);
    },
  );

  it('are required for at least one provider in production', () => {
    const { WEBHOOK_SECRETS_SUMSUB: _, ...none } = PRODUCTION;
    expect(faultyNames(none)).toEqual(['WEBHOOK_SECRETS_<PROVIDER>']);
  });
});

describe('data keys', () => {
  it('keep their order, so that the first one encrypts', () => {
    const older = Buffer.alloc(32, 250);
    const { dataKeys } = load({
      DATA_KEYS: `2025-b:${KEY}, 2025-a:${older.toString('base64url')}`,
    });
    expect(dataKeys).toEqual([
      { id: '2025-b', key: Buffer.alloc(32, 7) },
      { id: '2025-a', key: older },
    ]);
  });

  it('are required in both modes', () => {
    expect(faultyNames({})).toEqual(['DATA_KEYS']);
  });
});

describe('end user tokens', () => {
  const names = { JWT_ISSUER: 'https://id.example', JWT_AUDIENCE: 'kyc' };

  it('are verified with a shared secret', () => {
    expect(load({ ...PRODUCTION, ...names, JWT_SECRET: LONG }).jwt).toEqual({
      source: { secrets: [LONG] },
      issuer: 'https://id.example',
      audience: 'kyc',
    });
  });

  it('are verified with any of several shared secrets', () => {
    const { jwt } = load({ ...PRODUCTION, ...names, JWT_SECRET: ` ${LONG}-new, ${LONG},` });
    expect(jwt?.source).toEqual({ secrets: [`${LONG}-new`, LONG] });
  });

  it('are verified with a key set', () => {
    const url = 'https://id.example/keys';
    expect(load({ ...PRODUCTION, ...names, JWT_JWKS_URL: url }).jwt?.source).toEqual({
      jwksUrl: url,
    });
  });

  it('have a default issuer and audience in development', () => {
    expect(load({ ...DEVELOPMENT, JWT_SECRET: LONG }).jwt).toMatchObject({
      issuer: 'kyc-gateway',
      audience: 'kyc-gateway',
    });
  });

  it.each([
    ['a short secret', { ...names, JWT_SECRET: 'x'.repeat(31) }, ['JWT_SECRET']],
    ['a short secret after a long one', { ...names, JWT_SECRET: `${LONG},x` }, ['JWT_SECRET']],
    ['no issuer', { JWT_AUDIENCE: 'kyc', JWT_SECRET: LONG }, ['JWT_ISSUER']],
    ['no audience', { JWT_ISSUER: 'id', JWT_SECRET: LONG }, ['JWT_AUDIENCE']],
    ['neither secret nor key set', names, ['JWT_ISSUER', 'JWT_AUDIENCE']],
    [
      'an unencrypted key set URL',
      { ...names, JWT_JWKS_URL: 'http://id.example' },
      ['JWT_JWKS_URL'],
    ],
    ['a key set that is not a URL', { ...names, JWT_JWKS_URL: 'id.example' }, ['JWT_JWKS_URL']],
    [
      'two sources',
      { ...names, JWT_SECRET: LONG, JWT_JWKS_URL: 'https://id.example' },
      ['JWT_SECRET'],
    ],
  ])('are rejected with %s', (_case, env, faulty) => {
    expect(faultyNames({ ...PRODUCTION, ...env })).toEqual(faulty);
  });

  it.each(['http://localhost:8080/keys', 'http://127.0.0.1/keys', 'http://[::1]/keys'])(
    'can have their key set at %s',
    (url) => {
      expect(faultyNames({ ...PRODUCTION, ...names, JWT_JWKS_URL: url })).toEqual([]);
    },
  );
});

function tls(verify: string, rootCertificate: string | null = null): object {
  return { verify, rootCertificate, certificate: null, key: null };
}

describe('the database', () => {
  it.each([
    ['sqlite:some/kyc.db', resolve('some/kyc.db')],
    ['sqlite:/var/kyc.db', '/var/kyc.db'],
    ['sqlite:///var/kyc.db', '/var/kyc.db'],
  ])('%s is the file %s', (url, file) => {
    expect(loadDatabaseConfig({ DATABASE_URL: url })).toEqual({ kind: 'sqlite', file });
  });

  it.each([
    ['postgres://localhost/kyc', {}],
    [
      'postgresql://ada:p%40ss@[::1]:6543/kyc',
      { host: '::1', port: 6543, user: 'ada', password: 'p@ss' },
    ],
    ['postgres:///kyc?host=/run/postgresql', { host: '/run/postgresql' }],
    ['postgres://db/kyc?sslmode=disable', { host: 'db' }],
    ['postgres://db/kyc?sslmode=require', { host: 'db', tls: tls('none') }],
    [
      'postgres://db/kyc?sslmode=require&sslrootcert=/ca.pem',
      { host: 'db', tls: tls('ca', '/ca.pem') },
    ],
    [
      'postgres://db/kyc?sslmode=verify-ca&sslrootcert=/ca.pem',
      { host: 'db', tls: tls('ca', '/ca.pem') },
    ],
    ['postgres://db/kyc?sslmode=verify-full', { host: 'db', tls: tls('full') }],
    ['postgres://db/kyc?sslrootcert=/ca.pem', { host: 'db', tls: tls('full', '/ca.pem') }],
  ])('%s is a server', (url, parts) => {
    expect(loadDatabaseConfig({ DATABASE_URL: url })).toEqual({
      kind: 'postgres',
      host: 'localhost',
      port: 5432,
      database: 'kyc',
      user: null,
      password: null,
      tls: null,
      maxConnections: 10,
      ...parts,
    });
  });

  it('is in the data folder by default', () => {
    expect(loadDatabaseConfig({ DATA_DIR: '/var/kyc' })).toMatchObject({
      file: '/var/kyc/kyc.sqlite',
    });
    expect(getDataDir({ DATA_DIR: '/var/kyc' })).toBe('/var/kyc');
  });

  it('names the SQLite driver if `DATABASE_DRIVER` is set', () => {
    const DATABASE_DRIVER = 'better-sqlite3';
    for (const url of ['sqlite:/var/kyc.db', undefined]) {
      expect(loadDatabaseConfig({ DATABASE_URL: url, DATABASE_DRIVER })).toMatchObject({
        driver: 'better-sqlite3',
      });
    }
    expect(
      loadDatabaseConfig({ DATABASE_URL: 'postgres://localhost/kyc', DATABASE_DRIVER }),
    ).toEqual(expect.not.objectContaining({ driver: expect.anything() }));
  });

  it('is validated by itself', () => {
    expect(() => loadDatabaseConfig({ DATABASE_URL: 'mysql://host/db' })).toThrow(ConfigError);
  });
});

it('parses the policy file', () => {
  const policyText = '{"verified": {"anyOf": ["sumsub/basic-kyc-level"]}}';
  expect(load(DEVELOPMENT, { policyText }).policy).toEqual({
    verified: { anyOf: [{ level: 'sumsub/basic-kyc-level' }] },
    expiresAfterMs: {},
  });
});

it('names the path of a fault in the policy file', () => {
  const policyText = '{"verified": {"anyOf": ["sumsub/basic", {"allOf": [7]}]}}';
  expect(faultsOf(DEVELOPMENT, { policyText })).toEqual([
    'POLICY_FILE: must be a policy whose verified.anyOf[1].allOf[0] is a level such as `sumsub/basic-kyc-level`, or an object whose only key is `anyOf` or `allOf`',
  ]);
});

describe('Fractal ID in the Kraken format', () => {
  const kraken = { ...DEVELOPMENT, FRACTAL_ID_FORMAT: 'kraken' };

  it('rejects secrets that are bound to a notification type', () => {
    const typed = `verification_approved=${LONG}`;
    expect(faultyNames({ ...kraken, WEBHOOK_SECRETS_FRACTAL_ID: typed })).toEqual([
      'WEBHOOK_SECRETS_FRACTAL_ID',
    ]);
    expect(faultyNames({ ...kraken, WEBHOOK_SECRETS_FRACTAL_ID: LONG })).toEqual([]);
  });
});

describe('provider API credentials', () => {
  const SUMSUB = { SUMSUB_APP_TOKEN: 'prd:token', SUMSUB_SECRET_KEY: 'secret' };
  const pemOf = (namedCurve: string) =>
    generateKeyPairSync('ec', { namedCurve })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString()
      .trim();
  const KRAKEN_KEY = pemOf('P-521');
  const KRAKEN = {
    FRACTAL_ID_FORMAT: 'kraken',
    FRACTAL_ID_CLIENT_ID: 'client',
    FRACTAL_ID_PRIVATE_KEY: KRAKEN_KEY,
  };

  it('are read with the base URL of each API', () => {
    const { providerApis, reconciliation } = load({
      ...DEVELOPMENT,
      ...SUMSUB,
      PAYCADDY_API_KEY: 'key',
      PAYCADDY_BASE_URL: 'https://api.example.com/',
      P100_API_KEY: 'key',
      P100_BASE_URL: 'http://127.0.0.1:8080',
      RECONCILE_INTERVAL: 'off',
      RECONCILE_OPEN_AFTER: 'PT2H',
      RECONCILE_UNCONFIRMED_AFTER: 'PT10S',
      RECONCILE_QUIET_AFTER: 'P7D',
      RECONCILE_MAX_PER_SECOND: '20',
    });
    expect(providerApis).toEqual({
      sumsub: { appToken: 'prd:token', secretKey: 'secret', origin: 'https://api.sumsub.com' },
      paycaddy: { apiKey: 'key', origin: 'https://api.example.com' },
      p100: { apiKey: 'key', origin: 'http://127.0.0.1:8080' },
    });
    expect(reconciliation).toEqual({
      intervalMs: null,
      openAfterMs: 7_200_000,
      unconfirmedAfterMs: 10_000,
      quietAfterMs: 7 * 86_400_000,
      maxPerSecond: 20,
    });
  });

  it('include the Kraken key as PEM with real or escaped line breaks', () => {
    for (const key of [KRAKEN_KEY, KRAKEN_KEY.replaceAll('\n', '\\n')]) {
      const { providerApis } = load({
        ...DEVELOPMENT,
        ...KRAKEN,
        FRACTAL_ID_PRIVATE_KEY: key,
      });
      expect(providerApis).toEqual({
        'fractal-id': {
          clientId: 'client',
          privateKey: KRAKEN_KEY,
          origin: 'https://kraken.fractal.id',
        },
      });
    }
  });

  it.each([
    ['FRACTAL_ID_CLIENT_ID', { FRACTAL_ID_CLIENT_ID: '' }],
    ['FRACTAL_ID_PRIVATE_KEY', { FRACTAL_ID_PRIVATE_KEY: '' }],
    ['FRACTAL_ID_PRIVATE_KEY', { FRACTAL_ID_PRIVATE_KEY: 'not a key' }],
    ['FRACTAL_ID_PRIVATE_KEY', { FRACTAL_ID_PRIVATE_KEY: pemOf('P-256') }],
    ['FRACTAL_ID_PRIVATE_KEY', { FRACTAL_ID_FORMAT: 'classic' }],
    ['FRACTAL_ID_BASE_URL', { FRACTAL_ID_BASE_URL: 'http://kraken.example.com' }],
  ])('of Kraken are rejected with an invalid %s', (name, env) => {
    const faults = faultsOf({ ...DEVELOPMENT, ...KRAKEN, ...env });
    expect(faultyNames({ ...DEVELOPMENT, ...KRAKEN, ...env })).toEqual([name]);
    expect(faults.join()).not.toContain('BEGIN');
  });

  it.each([
    ['SUMSUB_SECRET_KEY', { SUMSUB_APP_TOKEN: 'x' }],
    ['SUMSUB_APP_TOKEN', { SUMSUB_SECRET_KEY: 'x' }],
    ['SUMSUB_APP_TOKEN', { SUMSUB_APP_TOKEN: 'x\ny', SUMSUB_SECRET_KEY: 'x' }],
    ['PAYCADDY_BASE_URL', { PAYCADDY_API_KEY: 'x' }],
    ['SUMSUB_BASE_URL', { ...SUMSUB, SUMSUB_BASE_URL: 'http://api.example.com' }],
    ['SUMSUB_BASE_URL', { ...SUMSUB, SUMSUB_BASE_URL: 'http://127.0.0.1.example.com' }],
    ['SUMSUB_BASE_URL', { ...SUMSUB, SUMSUB_BASE_URL: 'https://api.example.com/path' }],
    ['SUMSUB_BASE_URL', { ...SUMSUB, SUMSUB_BASE_URL: 'https://me:secret@api.example.com' }],
    ['P100_BASE_URL', { P100_BASE_URL: 'partner-api.p100.io' }],
    ['ERASURE_HOLD', { ERASURE_HOLD: '5 years', ERASURE_HOLD_BASIS: 'an act' }],
    ['ERASURE_HOLD', { ERASURE_HOLD_BASIS: 'an act' }],
    ['ERASURE_HOLD_BASIS', { ERASURE_HOLD: 'P5Y' }],
    ['POLICY_MAX_LOSS_PERCENT', { POLICY_MAX_LOSS_PERCENT: '101' }],
    ['CLOCK_SKEW', { CLOCK_SKEW: '5m' }],
    ['RAW_BODY_RETENTION', { RAW_BODY_RETENTION: 'PT0S' }],
    ['RECONCILE_INTERVAL', { RECONCILE_INTERVAL: '5m' }],
    ['RECONCILE_OPEN_AFTER', { RECONCILE_OPEN_AFTER: 'off' }],
    ['RECONCILE_QUIET_AFTER', { RECONCILE_QUIET_AFTER: 'PT0.5S' }],
    ['RECONCILE_MAX_PER_SECOND', { RECONCILE_MAX_PER_SECOND: '0' }],
  ])('are rejected with an invalid %s', (name, env) => {
    const names = faultyNames({ ...DEVELOPMENT, ...env });
    expect(names).toContain(name);
    expect(faultsOf({ ...DEVELOPMENT, ...env }).join()).not.toContain('me:secret');
  });
});

describe('access limits', () => {
  const documents = (trustedDocumentsText: string, env = {}) =>
    load(
      { ...DEVELOPMENT, TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_FILE: 'x', ...env },
      { trustedDocumentsText },
    ).trustedDocuments;

  it('include trusted documents in both formats', () => {
    const texts = new Map([['a', '{ b }']]);
    const operations = [{ id: 'a', name: 'A', type: 'query', body: '{ b }' }];
    const apollo = { format: 'apollo-persisted-query-manifest', version: 1, operations };
    expect(documents(JSON.stringify(apollo))).toEqual({ mode: 'enforce', texts });
    expect(documents('{"a":"{ b }"}')).toEqual({ mode: 'enforce', texts });
  });

  it.each(['', '[]', '{"a":1}', '{"format":"x"}', '{"format":"apollo-persisted-query-manifest"}'])(
    'reject %p as a list of trusted documents',
    (trustedDocumentsText) => {
      const env = { ...DEVELOPMENT, TRUSTED_DOCUMENTS_FILE: 'x' };
      expect(faultyNames(env, { trustedDocumentsText })).toEqual(['TRUSTED_DOCUMENTS_FILE']);
    },
  );

  it('require a file for trusted documents', () => {
    const env = { ...DEVELOPMENT, TRUSTED_DOCUMENTS: 'warn' };
    expect(faultyNames(env)).toEqual(['TRUSTED_DOCUMENTS_FILE']);
  });

  it.each([
    ['ALLOWED_ORIGINS', 'https://a.example/'],
    ['ALLOWED_ORIGINS', '*'],
    ['ALLOWED_ORIGINS', 'https://*.example.com'],
    ['ALLOWED_ORIGINS', 'http://localhost:5173/'],
    ['ALLOWED_ORIGINS', 'capacitor://localhost/'],
    ['ALLOWED_ORIGINS', 'capacitor://'],
    ['ALLOWED_ORIGINS', 'wss://a.example'],
    ['ALLOWED_ORIGINS', 'file://'],
    ['ALLOWED_ORIGINS', 'null'],
    ['ALLOWED_ORIGINS', 'https://a.example,,'],
    ['TRUSTED_PROXIES', '-1'],
    ['WEBHOOK_ADDRESSES_SUMSUB', '192.0.2.0/33'],
    ['WEBHOOK_ADDRESSES_SUMSUB', 'sumsub.com'],
    ['WEBHOOKS_PER_SECOND', '0'],
    ['KEEP_ALIVE_TIMEOUT', '75'],
    ['KEEP_ALIVE_TIMEOUT', 'PT0.5S'],
    ['KEEP_ALIVE_TIMEOUT', 'P2D'],
    ['GRAPHQL_MAX_DEPTH', '0'],
    ['GRAPHQL_MAX_COST', 'much'],
    ['GRAPHQL_INTROSPECTION', 'yes'],
  ])('reject %s=%s', (name, value) => {
    expect(faultyNames({ ...DEVELOPMENT, [name]: value })).toEqual([name]);
  });
});

describe('a misspelled variable', () => {
  it.each([
    ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['JWT_SECERT', 'JWT_SECRET'],
    ['WEBHOOK_SECRET_P100', 'WEBHOOK_SECRETS_P100'],
    ['WEBHOOK_SECRETS_P10', 'WEBHOOK_SECRETS_P100'],
    ['WEBHOOK_ADDRESSES_SUMSBU', 'WEBHOOK_ADDRESSES_SUMSUB'],
    ['DATA_BASE_URL', 'DATABASE_URL'],
    ['REDIS_URI', 'REDIS_URL'],
    ['TRUSTED_DOCUMENT_FILE', 'TRUSTED_DOCUMENTS_FILE'],
    ['POLICYFILE', 'POLICY_FILE'],
    ['redis_url', 'REDIS_URL'],
    ['ACCEPTS_SANDBOX', 'ACCEPT_SANDBOX'],
  ])('%s is a fault that suggests %s and contains no value', (name, known) => {
    const faults = faultsOf({ ...PRODUCTION, [name]: 'S3CR3T' });
    expect(faults).toEqual([expect.stringMatching(`^${name}: .*\\b${known}\\b`)]);
    expect(faults.join()).not.toContain('S3CR3T');
  });

  it('is reported with all other faults', () => {
    const env = { ...PRODUCTION, PORT: 'x', ALLOWED_ORIGIN: 'x', JWT_SECERT: 'x' };
    expect(faultyNames(env)).toEqual(['PORT', 'ALLOWED_ORIGIN', 'JWT_SECERT']);
  });

  it('is accepted if the similar variable is set as well', () => {
    const env = { ...PRODUCTION, REDIS_URL: 'redis://localhost', REDIS_URI: 'redis://localhost' };
    expect(faultsOf(env)).toEqual([]);
  });

  it('is not detected in variables of other programs', () => {
    const others = `PATH HOME HOSTNAME USER PWD SHELL TERM LANG LC_ALL TMPDIR NODE_VERSION NODE_OPTIONS NODE_PATH
      YARN_VERSION PORTS POSTS PGHOST PGUSER PGPASSWORD XDG_DATA_DIRS XDG_DATA_HOME REDIS_PORT REDIS_SERVICE_HOST
      DATABASE_PORT DATABASE_NAME KUBERNETES_PORT KUBERNETES_SERVICE_HOST DYNO npm_config_user npm_lifecycle_event
      UV_THREADPOOL_SIZE TZ DEBUG CI JWT_KEY API_KEY LOG_FORMAT KYC_API_KEY POSTGRES_PASSWORD POSTGRES_USER`;
    const env = Object.fromEntries(others.split(/\s+/).map((name) => [name, 'x']));
    expect(faultsOf({ ...PRODUCTION, ...env })).toEqual([]);
  });
});
