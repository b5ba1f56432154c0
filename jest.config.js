/** Runs all tests on SQLite, and the tests that open a store on PostgreSQL too, except `SQLITE_ONLY`. */

const { connect } = require('node:net');

const SERVER = process.env.TEST_POSTGRES_URL || 'postgres://postgres@127.0.0.1:5432/postgres';

/** Tests that open a store. `test/architecture/engines.test.ts` checks that the list is complete. */
const STORE_TESTS = [
  '<rootDir>/test/access/authenticator.test.ts',
  '<rootDir>/test/cli/program.test.ts',
  '<rootDir>/test/attacks/**/*.test.ts',
  '<rootDir>/test/cli/commands/reconcile.test.ts',
  '<rootDir>/test/e2e/**/*.test.ts',
  '<rootDir>/test/feed/real-store.test.ts',
  '<rootDir>/test/graphql/**/*.test.ts',
  '<rootDir>/test/order/**/*.test.ts',
  '<rootDir>/test/projector/**/*.test.ts',
  '<rootDir>/test/store/**/*.test.ts',
  '<rootDir>/test/jobs/monitor.test.ts',
];

/** Tests of `STORE_TESTS` whose subject does not depend on the database engine, with the reason. */
const SQLITE_ONLY = {
  'test/attacks/bodies.test.ts': 'Bodies are limited before the store is read.',
  'test/attacks/graphql.test.ts': 'Documents are rejected before a statement runs.',
  'test/attacks/quotas.test.ts': 'Quotas are counted in memory.',
  'test/attacks/slow.test.ts': 'Buffers and timeouts belong to sockets.',
  'test/attacks/websocket.test.ts':
    'Violations of the protocol are detected before the store is read.',
  'test/e2e/equal-frames.test.ts':
    'Frames are encoded from changes that both servers read from one store.',
  'test/e2e/graphql-over-http.test.ts':
    'The audits check requests and responses of GraphQL over HTTP.',
  'test/e2e/planned-queries.test.ts': 'Queries are planned as one statement on SQLite only.',
  'test/graphql/documents/prepare-operation.test.ts': 'Opens no store.',
  'test/graphql/relay/node-id.test.ts': 'Opens no store.',
};

const COMPILER = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: false, useDefineForClassFields: false },
  },
  module: { type: 'commonjs' },
};

const usual = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  setupFiles: ['reflect-metadata'],
  transform: { '\\.(t|j)s$': ['@swc/jest', COMPILER] },
  transformIgnorePatterns: [
    '/node_modules/(?!(jose|temporal-polyfill|temporal-utils|temporal-spec)/)',
  ],
};

const sqlite = {
  ...usual,
  displayName: 'sqlite',
  setupFiles: [...usual.setupFiles, '<rootDir>/test/support/setup/use-sqlite-driver.ts'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['<rootDir>/test/store/postgres/'],
  globalSetup: '<rootDir>/test/support/setup/prepare-sqlite.ts',
  globalTeardown: '<rootDir>/test/support/setup/clear-sqlite.ts',
};

const postgres = {
  ...usual,
  displayName: 'postgres',
  testMatch: STORE_TESTS,
  testPathIgnorePatterns: [
    '<rootDir>/test/store/sqlite/',
    '<rootDir>/test/store/backup/',
    ...Object.keys(SQLITE_ONLY).map((path) => `<rootDir>/${path}$`),
  ],
  setupFiles: [...usual.setupFiles, '<rootDir>/test/support/setup/use-postgres.ts'],
  globalSetup: '<rootDir>/test/support/setup/prepare-postgres.ts',
  globalTeardown: '<rootDir>/test/support/setup/clear-postgres.ts',
};

module.exports = async () => {
  const there = await answers(new URL(SERVER));
  if (!there && process.env.CI) throw new Error('PostgreSQL does not answer at TEST_POSTGRES_URL');
  if (!there)
    console.log('Left out: the suite on PostgreSQL, which does not answer at TEST_POSTGRES_URL.');
  return {
    maxWorkers: '100%',
    testTimeout: 120_000, // a machine may be slow, or busy with something else
    projects: there ? [sqlite, postgres] : [sqlite],
  };
};

module.exports.STORE_TESTS = STORE_TESTS;
module.exports.SQLITE_ONLY = SQLITE_ONLY;
module.exports.COMPILER = COMPILER;

function answers({ hostname, port }) {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 5432), timeout: 2_000 });
    const end = (outcome) => () => {
      socket.destroy();
      resolve(outcome);
    };
    socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false));
  });
}
