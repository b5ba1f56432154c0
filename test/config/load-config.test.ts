/** The reading of the environment: what is understood, what is refused, and that no value is ever shown. */

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEFAULT_DOCUMENT_LIMITS } from '../../src/config/graphql';
import {
  type ConfigSources,
  dataDirOf,
  loadConfig,
  loadDatabaseConfig,
  modeOf,
  READ_ELSEWHERE,
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

/** Variables at fault, each once. */
function faultyNames(env: ConfigSources['env'], more: Partial<ConfigSources> = {}): string[] {
  return [...new Set(faultsOf(env, more).map((fault) => fault.slice(0, fault.indexOf(':'))))];
}

describe('without any choice made', () => {
  it('develops on the loopback interface, with data in ./data', () => {
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
      alarms: DEFAULT_MONITORING_RULES,
    });
  });

  it('counts no sandbox events in production', () => {
    expect(load(PRODUCTION)).toMatchObject({ mode: 'production', acceptSandbox: false });
  });

  it('allows pages of this machine in development alone, unless origins are named', () => {
    const named = { ALLOWED_ORIGINS: 'https://a.example' };
    expect(load({ ...DEVELOPMENT, ...named }).http.allowLocalOrigins).toBe(false);
    expect(load(PRODUCTION).http.allowLocalOrigins).toBe(false);
  });

  it('takes origins of web views and extensions as written', () => {
    const origins = [
      ...['capacitor://localhost', 'ionic://localhost', 'tauri://localhost', 'https://localhost'],
      'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
      'moz-extension://1f3e6b2c-5a9d-4c1e-8f00-0a1b2c3d4e5f',
    ];
    const { http: edge } = load({ ...PRODUCTION, ALLOWED_ORIGINS: origins.join(', ') });
    expect(edge.allowedOrigins).toEqual(origins);
  });

  it('says how an origin is written', () => {
    const [fault] = faultsOf({ ...DEVELOPMENT, ALLOWED_ORIGINS: 'http://localhost:5173/' });
    expect(fault).toMatch(/no trailing slash and no `\*`/);
  });

  it('takes an empty variable for an unset one', () => {
    expect(load({ ...DEVELOPMENT, PORT: '', HOST: ' ', REDIS_URL: '' })).toEqual(load(DEVELOPMENT));
  });
});

describe('every variable', () => {
  it('is read', () => {
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
      POLICY_MAX_LOSS: '25',
      POLICY_FORCE: 'true',
      END_USER_REASONS: 'all',
      LOG_LEVEL: 'debug',
      CHANGE_LOG_RETENTION_DAYS: '90',
      ERASURE_HOLD: 'P5Y',
      ERASURE_HOLD_BASIS: 'an act',
      RAW_BODY_RETENTION: 'P90D',
      STALLED_AFTER: 'IN_REVIEW=PT6H, PENDING=P90D',
      SILENT_AFTER: 'PT2H',
      SILENT_FLOOR: '3',
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
      alarms: {
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
    ['SILENT_FLOOR', '0'],
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
    // The network between would see everything, and nobody has said that it may.
    ['DATABASE_URL', 'postgres://somebody:password@host/db'],
    ['DATABASE_URL', 'postgresql://host'],
    ['DATABASE_URL', 'postgres://host/a/b?sslmode=require'],
    ['DATABASE_URL', 'postgres://host/db?sslmode=prefer'],
    ['DATABASE_URL', 'postgres://host/db?sslmode=verify-ca'],
    ['DATABASE_URL', 'postgres://host/db?sslmode=disable&sslrootcert=/ca.pem'],
    ['DATABASE_URL', 'postgres://localhost/db?pool=7'],
    ['DATABASE_URL', 'postgres://localhost/%zz'],
    ['DATABASE_CONNECTIONS', '5'],
    ['DATABASE_URL', 'mysql://host/db'],
    ['DATABASE_URL', 'sqlite:'],
    ['DATABASE_URL', 'sqlite::memory:'],
    ['DATABASE_URL', 'sqlite://relative/path'],
    ['DATA_KEYS', 'no-colon'],
    ['DATA_KEYS', `k1:${Buffer.alloc(31, 7).toString('base64')}`],
    ['DATA_KEYS', `k1:${KEY},k1:${Buffer.alloc(32, 8).toString('base64')}`],
    ['DATA_KEYS', `k1:${KEY},broken`],
  ])('%s is refused if it is %s', (name, value) => {
    expect(faultyNames({ ...PRODUCTION, [name]: value })).toEqual([name]);
  });

  it.each([
    'redis://localhost',
    'redis://:word@10.0.0.1:6380/3',
    'rediss://user:p%40ss@redis.example.com/',
    'redis://[::1]:6379',
  ])('REDIS_URL may be %s', (url) => {
    expect(load({ ...PRODUCTION, REDIS_URL: url }).redisUrl).toBe(url);
  });
});

describe('faults', () => {
  it('are all reported at once, in one error', () => {
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

  it('never show a value', () => {
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

  it('of an unknown mode are those of production too, so that a typing error opens nothing', () => {
    expect(faultyNames({ NODE_ENV: 'prod' })).toEqual([
      'NODE_ENV',
      'DATA_KEYS',
      'WEBHOOK_SECRETS_<PROVIDER>',
    ]);
    expect(modeOf({ NODE_ENV: 'prod' })).toBe('production');
    expect(modeOf({})).toBe('development');
  });
});

describe('webhook secrets', () => {
  it('are several per provider, in the order given', () => {
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

  it('may be bound to a notification type of Fractal ID', () => {
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
    'such as %s hold the sign = themselves',
    (secret) => {
      const { webhookSecrets } = load({ ...DEVELOPMENT, WEBHOOK_SECRETS_FRACTAL_ID: secret });
      expect(webhookSecrets['fractal-id']).toEqual([{ secret }]);
    },
  );

  it('of other vendors have no types', () => {
    const secret = 'verification_approved=one';
    const { webhookSecrets } = load({ ...DEVELOPMENT, WEBHOOK_SECRETS_SUMSUB: secret });
    expect(webhookSecrets.sumsub).toEqual([{ secret }]);
  });

  it('for a misspelt type are a fault, because they would never fit', () => {
    const env = { ...DEVELOPMENT, WEBHOOK_SECRETS_FRACTAL_ID: 'verification_aproved=one' };
    expect(faultyNames(env)).toEqual(['WEBHOOK_SECRETS_FRACTAL_ID']);
  });

  it('for a misspelt provider are a fault, because the provider would not be served', () => {
    const env = { ...DEVELOPMENT, WEBHOOK_SECRETS_FRACTALID: 'one' };
    expect(faultyNames(env)).toEqual(['WEBHOOK_SECRETS_FRACTALID']);
  });

  it('of commas alone are a fault', () => {
    expect(faultyNames({ ...DEVELOPMENT, WEBHOOK_SECRETS_P100: ' , ' })).toEqual([
      'WEBHOOK_SECRETS_P100',
    ]);
  });

  it.each([
    ['WEBHOOK_SECRETS_SUMSUB', 15],
    ['WEBHOOK_SECRETS_P100', 15],
    ['WEBHOOK_SECRETS_FRACTAL_ID', 15],
    ['WEBHOOK_SECRETS_PAYCADDY', 31],
  ])('%s of %i characters are too weak for production', (name, length) => {
    const strong = { ...PRODUCTION, [name]: 'x'.repeat(length + 1) };
    const weak = { ...PRODUCTION, [name]: `${'x'.repeat(length + 1)},${'x'.repeat(length)}` };
    expect(faultyNames(strong)).toEqual([]);
    expect(faultyNames(weak)).toEqual([name]);
    expect(faultyNames({ ...weak, NODE_ENV: 'development' })).toEqual([]);
  });

  it('count without the type before them', () => {
    const env = { ...PRODUCTION, WEBHOOK_SECRETS_FRACTAL_ID: 'verification_approved=short' };
    expect(faultyNames(env)).toEqual(['WEBHOOK_SECRETS_FRACTAL_ID']);
  });

  it.each(['with/slash', 'with?mark', 'with space', 'with#hash', 'with%41'])(
    'of PayCaddy are part of a URL, so not %s',
    (secret) => {
      const env = { ...DEVELOPMENT, WEBHOOK_SECRETS_PAYCADDY: secret };
      expect(faultyNames(env)).toEqual(['WEBHOOK_SECRETS_PAYCADDY']);
    },
  );

  it('of at least one provider are needed in production', () => {
    const { WEBHOOK_SECRETS_SUMSUB: _, ...none } = PRODUCTION;
    expect(faultyNames(none)).toEqual(['WEBHOOK_SECRETS_<PROVIDER>']);
  });
});

describe('data keys', () => {
  it('are several, the first of them the one that encrypts', () => {
    const older = Buffer.alloc(32, 250);
    const { dataKeys } = load({
      DATA_KEYS: `2025-b:${KEY}, 2025-a:${older.toString('base64url')}`,
    });
    expect(dataKeys).toEqual([
      { id: '2025-b', key: Buffer.alloc(32, 7) },
      { id: '2025-a', key: older },
    ]);
  });

  it('are needed in either mode', () => {
    expect(faultyNames({})).toEqual(['DATA_KEYS']);
  });
});

describe('end users’ tokens', () => {
  const names = { JWT_ISSUER: 'https://id.example', JWT_AUDIENCE: 'kyc' };

  it('come from a shared secret', () => {
    expect(load({ ...PRODUCTION, ...names, JWT_SECRET: LONG }).jwt).toEqual({
      source: { secrets: [LONG] },
      issuer: 'https://id.example',
      audience: 'kyc',
    });
  });

  it('come from any of several shared secrets', () => {
    const { jwt } = load({ ...PRODUCTION, ...names, JWT_SECRET: ` ${LONG}-new, ${LONG},` });
    expect(jwt?.source).toEqual({ secrets: [`${LONG}-new`, LONG] });
  });

  it('come from a key set', () => {
    const url = 'https://id.example/keys';
    expect(load({ ...PRODUCTION, ...names, JWT_JWKS_URL: url }).jwt?.source).toEqual({
      jwksUrl: url,
    });
  });

  it('may carry names of ours in development', () => {
    expect(load({ ...DEVELOPMENT, JWT_SECRET: LONG }).jwt).toMatchObject({
      issuer: 'kyc-gateway',
      audience: 'kyc-gateway',
    });
  });

  it.each([
    ['a short secret', { ...names, JWT_SECRET: 'x'.repeat(31) }, ['JWT_SECRET']],
    ['a short secret beside a long one', { ...names, JWT_SECRET: `${LONG},x` }, ['JWT_SECRET']],
    ['no issuer', { JWT_AUDIENCE: 'kyc', JWT_SECRET: LONG }, ['JWT_ISSUER']],
    ['no audience', { JWT_ISSUER: 'id', JWT_SECRET: LONG }, ['JWT_AUDIENCE']],
    ['nothing to check by', names, ['JWT_ISSUER', 'JWT_AUDIENCE']],
    ['a key set in the clear', { ...names, JWT_JWKS_URL: 'http://id.example' }, ['JWT_JWKS_URL']],
    ['a key set that is no URL', { ...names, JWT_JWKS_URL: 'id.example' }, ['JWT_JWKS_URL']],
    [
      'two sources',
      { ...names, JWT_SECRET: LONG, JWT_JWKS_URL: 'https://id.example' },
      ['JWT_SECRET'],
    ],
  ])('are refused with %s', (_case, env, faulty) => {
    expect(faultyNames({ ...PRODUCTION, ...env })).toEqual(faulty);
  });

  it.each(['http://localhost:8080/keys', 'http://127.0.0.1/keys', 'http://[::1]/keys'])(
    'may have their key set at %s',
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
  ])('at %s is the file %s', (url, file) => {
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
  ])('at %s is on a server', (url, parts) => {
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

  it('lies in the data folder by default', () => {
    expect(loadDatabaseConfig({ DATA_DIR: '/var/kyc' })).toMatchObject({
      file: '/var/kyc/kyc.sqlite',
    });
    expect(dataDirOf({ DATA_DIR: '/var/kyc' })).toBe('/var/kyc');
  });

  it('alone can be at fault too', () => {
    expect(() => loadDatabaseConfig({ DATABASE_URL: 'mysql://host/db' })).toThrow(ConfigError);
  });
});

it('reads a policy', () => {
  const policyText = '{"verified": {"anyOf": ["sumsub/basic-kyc-level"]}}';
  expect(load(DEVELOPMENT, { policyText }).policy).toEqual({
    verified: { anyOf: [{ level: 'sumsub/basic-kyc-level' }] },
    expiresAfterMs: {},
  });
});

it('says where in the policy file a fault is', () => {
  const policyText = '{"verified": {"anyOf": ["sumsub/basic", {"allOf": [7]}]}}';
  expect(faultsOf(DEVELOPMENT, { policyText })).toEqual([
    'POLICY_FILE: expected verified.anyOf[1].allOf[0] to be a level such as `sumsub/basic-kyc-level`, or an object whose only key is `anyOf` or `allOf`; there is no other operator',
  ]);
});

describe('Fractal ID in the Kraken format', () => {
  const kraken = { ...DEVELOPMENT, FRACTAL_ID_FORMAT: 'kraken' };

  it('refuses secrets of one notification type, which would prove nothing', () => {
    const typed = `verification_approved=${LONG}`;
    expect(faultyNames({ ...kraken, WEBHOOK_SECRETS_FRACTAL_ID: typed })).toEqual([
      'WEBHOOK_SECRETS_FRACTAL_ID',
    ]);
    expect(faultyNames({ ...kraken, WEBHOOK_SECRETS_FRACTAL_ID: LONG })).toEqual([]);
  });
});

describe('asking the vendors', () => {
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

  it('takes credentials, and where they go to', () => {
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

  it('takes the key of Kraken as PEM, its line breaks written as they are or as \\n', () => {
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
    ['FRACTAL_ID_PRIVATE_KEY', { FRACTAL_ID_PRIVATE_KEY: 'no key' }],
    ['FRACTAL_ID_PRIVATE_KEY', { FRACTAL_ID_PRIVATE_KEY: pemOf('P-256') }],
    ['FRACTAL_ID_PRIVATE_KEY', { FRACTAL_ID_FORMAT: 'classic' }],
    ['FRACTAL_ID_BASE_URL', { FRACTAL_ID_BASE_URL: 'http://kraken.example.com' }],
  ])('refuses a fault in %s of Kraken', (name, env) => {
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
    ['POLICY_MAX_LOSS', { POLICY_MAX_LOSS: '101' }],
    ['CLOCK_SKEW', { CLOCK_SKEW: '5m' }],
    ['RAW_BODY_RETENTION', { RAW_BODY_RETENTION: 'PT0S' }],
    ['RECONCILE_INTERVAL', { RECONCILE_INTERVAL: '5m' }],
    ['RECONCILE_OPEN_AFTER', { RECONCILE_OPEN_AFTER: 'off' }],
    ['RECONCILE_QUIET_AFTER', { RECONCILE_QUIET_AFTER: 'PT0.5S' }],
    ['RECONCILE_MAX_PER_SECOND', { RECONCILE_MAX_PER_SECOND: '0' }],
  ])('refuses a fault in %s', (name, env) => {
    const names = faultyNames({ ...DEVELOPMENT, ...env });
    expect(names).toContain(name);
    expect(faultsOf({ ...DEVELOPMENT, ...env }).join()).not.toContain('me:secret');
  });
});

describe('what is let in', () => {
  const documents = (trustedDocumentsText: string, env = {}) =>
    load(
      { ...DEVELOPMENT, TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_FILE: 'x', ...env },
      { trustedDocumentsText },
    ).trustedDocuments;

  it('is a list of documents as clients write it', () => {
    const texts = new Map([['a', '{ b }']]);
    const operations = [{ id: 'a', name: 'A', type: 'query', body: '{ b }' }];
    const apollo = { format: 'apollo-persisted-query-manifest', version: 1, operations };
    expect(documents(JSON.stringify(apollo))).toEqual({ mode: 'enforce', texts });
    expect(documents('{"a":"{ b }"}')).toEqual({ mode: 'enforce', texts });
  });

  it.each(['', '[]', '{"a":1}', '{"format":"x"}', '{"format":"apollo-persisted-query-manifest"}'])(
    'is no list that reads %p',
    (trustedDocumentsText) => {
      const env = { ...DEVELOPMENT, TRUSTED_DOCUMENTS_FILE: 'x' };
      expect(faultyNames(env, { trustedDocumentsText })).toEqual(['TRUSTED_DOCUMENTS_FILE']);
    },
  );

  it('is not known without a file', () => {
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
  ])('is not said by %s=%s', (name, value) => {
    expect(faultyNames({ ...DEVELOPMENT, [name]: value })).toEqual([name]);
  });
});

describe('a misspelt variable', () => {
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
  ])('%s is a fault that names %s, and no value', (name, known) => {
    const faults = faultsOf({ ...PRODUCTION, [name]: 'S3CR3T' });
    expect(faults).toEqual([expect.stringMatching(`^${name}: .*\\b${known}\\b`)]);
    expect(faults.join()).not.toContain('S3CR3T');
  });

  it('is reported with all others', () => {
    const env = { ...PRODUCTION, PORT: 'x', ALLOWED_ORIGIN: 'x', JWT_SECERT: 'x' };
    expect(faultyNames(env)).toEqual(['PORT', 'ALLOWED_ORIGIN', 'JWT_SECERT']);
  });

  it('is another program’s where the variable that it is near to is set', () => {
    const env = { ...PRODUCTION, REDIS_URL: 'redis://localhost', REDIS_URI: 'redis://localhost' };
    expect(faultsOf(env)).toEqual([]);
  });

  it('is not what other programs set', () => {
    const others = `PATH HOME HOSTNAME USER PWD SHELL TERM LANG LC_ALL TMPDIR NODE_VERSION NODE_OPTIONS NODE_PATH
      YARN_VERSION PORTS POSTS PGHOST PGUSER PGPASSWORD XDG_DATA_DIRS XDG_DATA_HOME REDIS_PORT REDIS_SERVICE_HOST
      DATABASE_PORT DATABASE_NAME KUBERNETES_PORT KUBERNETES_SERVICE_HOST DYNO npm_config_user npm_lifecycle_event
      UV_THREADPOOL_SIZE TZ DEBUG CI JWT_KEY API_KEY LOG_FORMAT KYC_API_KEY POSTGRES_PASSWORD POSTGRES_USER`;
    const env = Object.fromEntries(others.split(/\s+/).map((name) => [name, 'x']));
    expect(faultsOf({ ...PRODUCTION, ...env })).toEqual([]);
  });
});

it('`.env.example` names every variable that is read, and no other', () => {
  const text = readFileSync(join(__dirname, '../../.env.example'), 'utf8');
  const named = [...text.matchAll(/^([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name);
  const read = new Set(READ_ELSEWHERE);
  const env = new Proxy(PRODUCTION, {
    get: (target, name) => {
      read.add(String(name));
      return Reflect.get(target, name);
    },
  });
  load(env);
  expect([...named].sort()).toEqual([...read].sort());
});
