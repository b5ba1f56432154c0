/**
 * Fills a database that the gateway created with `scale` × 100,000 users. Each has two attempts, three levels and five
 * change log entries. All values derive from row numbers, so every machine generates the same data.
 */

const { mkdirSync } = require('node:fs');
const { join } = require('node:path');
const { openDatabase, sqlite3 } = require('../lib/database');
const { startGateway } = require('../lib/gateway');

const USERS = 100_000;
const DELIVERIES = 1_000;

/** Days of users' arrivals; their order is not that of their numbers. */
const PERIOD_S = 300 * 24 * 60 * 60;
const FIRST_S = Date.UTC(2024, 0, 1) / 1000;

const LEVELS = [
  ['sumsub/basic-kyc-level', 'sumsub', 'basic-kyc-level'],
  ['sumsub/proof-of-address', 'sumsub', 'proof-of-address'],
  ['sumsub/source-of-funds', 'sumsub', 'source-of-funds'],
];

const REJECTION = JSON.stringify({
  retryable: true,
  reasons: [
    {
      code: 'DOCUMENT_QUALITY',
      providerCode: 'UNSATISFACTORY_PHOTOS',
      message: 'Please send a sharp picture.',
    },
  ],
});

/** `n` counts rows from 1. */
const ATTEMPT_STATUS = `CASE n % 10 WHEN 0 THEN 'PENDING' WHEN 1 THEN 'IN_REVIEW' WHEN 2 THEN 'REJECTED' WHEN 3 THEN 'REJECTED' ELSE 'APPROVED' END`;
const instant = (n, offset = 0) =>
  `strftime('%Y-%m-%dT%H:%M:%S', ${FIRST_S} + (${n}) * 7919 % ${PERIOD_S} + ${offset}, 'unixepoch') || '.' || printf('%03d', (${n}) % 1000) || '000000Z'`;
const date = (n, offset = 0) =>
  `strftime('%Y-%m-%dT%H:%M:%S', ${FIRST_S} + (${n}) * 7919 % ${PERIOD_S} + ${offset}, 'unixepoch') || '.' || printf('%03d', (${n}) % 1000) || 'Z'`;
const count = (rows) =>
  `WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ${rows})`;

/** Two attempts of each user: 2u − 1 and 2u. */
const USER_OF_ATTEMPT = '(n + 1) / 2';
const NUMBER_OF_ATTEMPT = '(n + 1) % 2';

function statements(scale) {
  const users = USERS * scale;
  return [
    `INSERT INTO levels (key, provider, name, kind) VALUES ${LEVELS.map(([key, provider, name]) => `('${key}', '${provider}', '${name}', 'LEVEL')`).join(', ')}`,

    `${count(users)} INSERT INTO users (id, external_user_id, merged_into, verification_status, status_since, expires_at, active, created_at, updated_at)
      SELECT n, 'customer-' || n, NULL, CASE WHEN n % 3 = 0 THEN 'NOT_VERIFIED' ELSE 'VERIFIED' END, ${instant('n', 86400)}, NULL, 1, ${date('n')}, ${date('n', 86400)} FROM counter`,

    `${count(users)} INSERT INTO identities (id, user_id, provider, subject_ref, external_user_id, state, linked, undated_delivery_id, created_at)
      SELECT n, n, 'sumsub', printf('%024x', n), 'customer-' || n, 'ACTIVE', 0, NULL, ${date('n')} FROM counter`,

    // These data keys are never unwrapped: they encrypt nothing.
    `${count(users)} INSERT INTO identity_keys (identity_id, data_key, data_key_id) SELECT n, randomblob(60), 'bench' FROM counter`,

    `${count(2 * users)} INSERT INTO attempts (id, identity_id, user_id, level_key, number, attempt_ref, status, provider_status, rejection, review_reasons, trust, sandbox, started_at, updated_at, decided_at)
      SELECT n, ${USER_OF_ATTEMPT}, ${USER_OF_ATTEMPT}, CASE ${NUMBER_OF_ATTEMPT} WHEN 0 THEN '${LEVELS[0][0]}' ELSE '${LEVELS[1][0]}' END, 1, NULL,
        ${ATTEMPT_STATUS}, 'completed', CASE WHEN n % 10 IN (2, 3) THEN '${REJECTION}' END, '[]', 'SIGNED', 0,
        ${instant(USER_OF_ATTEMPT, `3600 * ${NUMBER_OF_ATTEMPT}`)}, ${instant(USER_OF_ATTEMPT, 86400)}, CASE WHEN n % 10 > 1 THEN ${instant(USER_OF_ATTEMPT, 86400)} END FROM counter`,

    `${count(3 * users)} INSERT INTO user_levels (user_id, level_key, kind, status, since, expires_at, superseded, latest_attempt_id)
      SELECT (n + 2) / 3, CASE n % 3 WHEN 1 THEN '${LEVELS[0][0]}' WHEN 2 THEN '${LEVELS[1][0]}' ELSE '${LEVELS[2][0]}' END, 'LEVEL',
        CASE n % 2 WHEN 0 THEN 'VERIFIED' ELSE 'NOT_VERIFIED' END, ${instant('(n + 2) / 3', 86400)}, NULL, 0, 2 * ((n + 2) / 3) - n % 2 FROM counter`,

    `${count(5 * users)} INSERT INTO changes (id, user_id, provider, level_key, attempt_id, attempt_status, previous_attempt_status, level_status, previous_level_status,
        verification_status, previous_verification_status, active, previous_active, rejection, cause, delivery_id, actor, merged_user_id, occurred_at, recorded_at)
      SELECT n, (n - 1) % ${users} + 1, 'sumsub', '${LEVELS[0][0]}', 2 * ((n - 1) % ${users} + 1) - 1, 'APPROVED', 'IN_REVIEW', 'VERIFIED', 'NOT_VERIFIED',
        'VERIFIED', 'NOT_VERIFIED', 1, 1, NULL, 'DELIVERY', NULL, NULL, NULL, ${instant('n')}, ${date('n')} FROM counter`,

    `${count(DELIVERIES)} INSERT INTO deliveries (id, provider, duplicate_key, duplicates, received_at, trust, disposition, reason_code, reason, event_type, subpath, identity_id, body, body_key_id)
      SELECT n, 'sumsub', 'generated-' || n, 0, ${instant('n')}, 'SIGNED', 'IGNORED', NULL, NULL, 'videoIdentStatusChanged', '', NULL, randomblob(600), 'bench' FROM counter`,
  ];
}

/** @returns the folder's database, ready to be served by the gateway. */
async function generate(folder, scale, note) {
  mkdirSync(folder, { recursive: true });
  const gateway = await startGateway(folder); // makes the tables, and notes the rules by which what is in them was made
  await gateway.stop();

  const file = join(folder, 'kyc.sqlite');
  const database = await openDatabase(file, sqlite3.OPEN_READWRITE);
  const startedAt = performance.now();
  await database.query('PRAGMA synchronous = OFF');
  await database.query('PRAGMA cache_size = -500000');
  await database.query('BEGIN');
  for (const statement of statements(scale)) await database.query(statement);
  await database.query('COMMIT');
  await database.query('PRAGMA wal_checkpoint(TRUNCATE)');
  await database.close();
  note(
    `generated ${scale * USERS} users in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  return file;
}

module.exports = { generate, USERS };
