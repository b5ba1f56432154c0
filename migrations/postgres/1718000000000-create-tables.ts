/**
 * The first tables on PostgreSQL; what they are for is told by the entities.
 *
 * - Ids are the gateway's to give, so no column counts by itself but that of the API keys: see `sequencer` below.
 * - Text is compared byte by byte (`COLLATE "C"`): the same order as in SQLite, and in every locale.
 * - Words of a fixed list are domains over text: to every statement they are text, and a word that is none is refused.
 * - Times are text. A vendor's clock has up to nine decimals, `timestamptz` has six; written out in one form, they compare
 *   as text in the order of time.
 * - What is kept for people to read is `jsonb`. An event is `json`, which gives back the very text that was written: two
 *   readings of one delivery are compared by it.
 * - Where several indexes begin with the provider, what is looked up by a key has one that begins with the key: on tables
 *   that it knows nothing of yet, PostgreSQL takes any of those that fit.
 */

import { randomBytes } from 'node:crypto';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const WORDS: Readonly<Record<string, readonly string[]>> = {
  account_state: ['ACTIVE', 'DEACTIVATED', 'DELETED'],
  attempt_status: [
    'APPROVED',
    'PENDING',
    'IN_PROGRESS',
    'IN_REVIEW',
    'ACTION_REQUIRED',
    'EXPIRED',
    'REJECTED',
    'CANCELLED',
  ],
  change_cause: ['DELIVERY', 'REPLAY', 'LINK', 'MERGE', 'EXPIRY', 'POLICY'],
  disposition: ['APPLIED', 'UNCHANGED', 'STALE', 'IGNORED', 'QUARANTINED'],
  level_kind: ['LEVEL', 'ADD_ON', 'ACTION'],
  trust: ['SIGNED', 'TOKEN', 'CONFIRMED'],
  verification_status: ['NOT_VERIFIED', 'VERIFIED', 'EXPIRED'],
};

const TEXT = 'text COLLATE "C"';

const TABLES = [
  `CREATE TABLE "users" (
    "id" bigint PRIMARY KEY,
    "external_user_id" ${TEXT},
    "merged_into" bigint,
    "verification_status" verification_status NOT NULL,
    "status_since" ${TEXT},
    "expires_at" ${TEXT},
    "active" boolean NOT NULL,
    "created_at" ${TEXT} NOT NULL,
    "updated_at" ${TEXT} NOT NULL,
    CONSTRAINT "users_external_user_id" UNIQUE ("external_user_id"),
    CONSTRAINT "users_merged_into" FOREIGN KEY ("merged_into") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "users_by_merge" ON "users" ("merged_into") WHERE merged_into IS NOT NULL`,
  `CREATE INDEX "users_by_status" ON "users" ("verification_status", "created_at", "id")`,
  `CREATE INDEX "users_by_update" ON "users" ("updated_at", "id")`,
  `CREATE INDEX "users_by_creation" ON "users" ("created_at", "id")`,
  `CREATE TABLE "identities" (
    "id" bigint PRIMARY KEY,
    "user_id" bigint NOT NULL,
    "provider" ${TEXT} NOT NULL,
    "subject_ref" ${TEXT} NOT NULL,
    "external_user_id" ${TEXT},
    "state" account_state NOT NULL,
    "linked" boolean NOT NULL,
    "data_key" bytea NOT NULL,
    "data_key_id" ${TEXT} NOT NULL,
    "undated_delivery_id" bigint,
    "created_at" ${TEXT} NOT NULL,
    CONSTRAINT "identities_subject" UNIQUE ("provider", "subject_ref"),
    CONSTRAINT "identities_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "identities_by_user" ON "identities" ("user_id")`,
  `CREATE TABLE "levels" (
    "key" ${TEXT} PRIMARY KEY,
    "provider" ${TEXT} NOT NULL,
    "name" ${TEXT} NOT NULL,
    "kind" level_kind NOT NULL
  )`,
  `CREATE TABLE "attempts" (
    "id" bigint PRIMARY KEY,
    "identity_id" bigint NOT NULL,
    "user_id" bigint NOT NULL,
    "level_key" ${TEXT} NOT NULL,
    "number" bigint NOT NULL,
    "attempt_ref" ${TEXT},
    "status" attempt_status NOT NULL,
    "provider_status" ${TEXT} NOT NULL,
    "rejection" jsonb,
    "review_reasons" jsonb NOT NULL,
    "trust" trust NOT NULL,
    "sandbox" boolean NOT NULL,
    "started_at" ${TEXT} NOT NULL,
    "updated_at" ${TEXT} NOT NULL,
    "decided_at" ${TEXT},
    CONSTRAINT "attempts_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id"),
    CONSTRAINT "attempts_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
    CONSTRAINT "attempts_level_key" FOREIGN KEY ("level_key") REFERENCES "levels" ("key")
  )`,
  `CREATE INDEX "attempts_by_identity" ON "attempts" ("identity_id", "level_key", "number")`,
  `CREATE INDEX "attempts_by_status" ON "attempts" ("status", "started_at", "id")`,
  `CREATE INDEX "attempts_by_update" ON "attempts" ("updated_at", "id")`,
  `CREATE INDEX "attempts_by_start" ON "attempts" ("started_at", "id")`,
  `CREATE INDEX "attempts_by_user" ON "attempts" ("user_id", "started_at", "id")`,
  `CREATE TABLE "user_levels" (
    "user_id" bigint NOT NULL,
    "level_key" ${TEXT} NOT NULL,
    "kind" level_kind NOT NULL,
    "status" verification_status NOT NULL,
    "since" ${TEXT} NOT NULL,
    "expires_at" ${TEXT},
    "withdrawn" boolean NOT NULL,
    "latest_attempt_id" bigint NOT NULL,
    CONSTRAINT "user_levels_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
    CONSTRAINT "user_levels_level_key" FOREIGN KEY ("level_key") REFERENCES "levels" ("key"),
    CONSTRAINT "user_levels_latest_attempt" FOREIGN KEY ("latest_attempt_id") REFERENCES "attempts" ("id"),
    PRIMARY KEY ("user_id", "level_key")
  )`,
  `CREATE INDEX "user_levels_by_expiry" ON "user_levels" ("expires_at") WHERE status = 'VERIFIED'`,
  `CREATE INDEX "user_levels_by_level" ON "user_levels" ("level_key", "user_id")`,
  // SQLite has no need of it: there a deleted attempt is looked for by scanning the levels of one user.
  `CREATE INDEX "user_levels_by_attempt" ON "user_levels" ("latest_attempt_id")`,
  `CREATE TABLE "deliveries" (
    "id" bigint PRIMARY KEY,
    "provider" ${TEXT} NOT NULL,
    "duplicate_key" ${TEXT} NOT NULL,
    "duplicates" bigint NOT NULL,
    "received_at" ${TEXT} NOT NULL,
    "trust" trust NOT NULL,
    "disposition" disposition NOT NULL,
    "reason_code" ${TEXT},
    "reason" ${TEXT},
    "event_type" ${TEXT},
    "subpath" ${TEXT} NOT NULL,
    "identity_id" bigint,
    "body" bytea NOT NULL,
    "body_key_id" ${TEXT},
    CONSTRAINT "deliveries_key" UNIQUE ("duplicate_key", "provider"),
    CONSTRAINT "deliveries_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
  )`,
  // Ciphertext: to try to compress it would be for nothing.
  `ALTER TABLE "deliveries" ALTER COLUMN "body" SET STORAGE EXTERNAL`,
  `CREATE INDEX "deliveries_by_identity" ON "deliveries" ("identity_id")`,
  `CREATE INDEX "deliveries_by_disposition" ON "deliveries" ("disposition", "received_at")`,
  `CREATE INDEX "deliveries_recurring" ON "deliveries" ("provider", "id") WHERE strpos(duplicate_key, '@') > 0`,
  `CREATE INDEX "deliveries_unread" ON "deliveries" ("provider", "id") WHERE disposition = 'QUARANTINED'`,
  `CREATE INDEX "deliveries_by_provider" ON "deliveries" ("provider", "received_at")`,
  `CREATE INDEX "deliveries_by_receipt" ON "deliveries" ("received_at")`,
  `CREATE TABLE "events" (
    "id" bigint PRIMARY KEY,
    "key" ${TEXT} NOT NULL,
    "delivery_id" bigint NOT NULL,
    "identity_id" bigint NOT NULL,
    "received_at" ${TEXT} NOT NULL,
    "trust" trust NOT NULL,
    "body" json NOT NULL,
    "personal" bytea,
    CONSTRAINT "events_key" UNIQUE ("identity_id", "key"),
    CONSTRAINT "events_delivery" FOREIGN KEY ("delivery_id") REFERENCES "deliveries" ("id"),
    CONSTRAINT "events_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
  )`,
  `CREATE INDEX "events_by_delivery" ON "events" ("delivery_id")`,
  `CREATE TABLE "credentials" (
    "id" bigint PRIMARY KEY,
    "provider" ${TEXT} NOT NULL,
    "holder_ref" ${TEXT} NOT NULL,
    "credential_ref" ${TEXT} NOT NULL,
    "issued_at" ${TEXT} NOT NULL,
    "delivery_id" bigint NOT NULL,
    CONSTRAINT "credentials_word" UNIQUE ("delivery_id", "credential_ref"),
    CONSTRAINT "credentials_delivery" FOREIGN KEY ("delivery_id") REFERENCES "deliveries" ("id")
  )`,
  `CREATE INDEX "credentials_by_holder" ON "credentials" ("provider", "holder_ref")`,
  `CREATE INDEX "credentials_by_ref" ON "credentials" ("credential_ref", "provider")`,
  `CREATE TABLE "changes" (
    "id" bigint PRIMARY KEY,
    "user_id" bigint NOT NULL,
    "provider" ${TEXT},
    "level_key" ${TEXT},
    "attempt_id" bigint,
    "attempt_status" attempt_status,
    "previous_attempt_status" attempt_status,
    "level_status" verification_status,
    "previous_level_status" verification_status,
    "verification_status" verification_status NOT NULL,
    "previous_verification_status" verification_status NOT NULL,
    "active" boolean NOT NULL,
    "previous_active" boolean NOT NULL,
    "rejection" jsonb,
    "cause" change_cause NOT NULL,
    "delivery_id" bigint,
    "actor" ${TEXT},
    "merged_user_id" bigint,
    "occurred_at" ${TEXT} NOT NULL,
    "recorded_at" ${TEXT} NOT NULL,
    CONSTRAINT "changes_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "changes_by_attempt" ON "changes" ("attempt_id")`,
  `CREATE INDEX "changes_by_delivery" ON "changes" ("delivery_id")`,
  `CREATE INDEX "changes_by_merge" ON "changes" ("merged_user_id") WHERE merged_user_id IS NOT NULL`,
  `CREATE INDEX "changes_by_user" ON "changes" ("user_id", "id")`,
  `CREATE TABLE "api_keys" (
    "id" bigserial PRIMARY KEY,
    "name" ${TEXT} NOT NULL,
    "prefix" ${TEXT} NOT NULL,
    "hash" ${TEXT} NOT NULL,
    "scopes" jsonb NOT NULL,
    "created_at" ${TEXT} NOT NULL,
    "revoked_at" ${TEXT},
    CONSTRAINT "api_keys_prefix" UNIQUE ("prefix"),
    CONSTRAINT "api_keys_hash" UNIQUE ("hash")
  )`,
  `CREATE TABLE "settings" (
    "name" ${TEXT} PRIMARY KEY,
    "value" ${TEXT} NOT NULL
  )`,
  // One row: the highest id given in each table, and how often anybody has written. Whoever writes holds it locked; see
  // `save-graph.ts`. Its page has room for the versions of the row that are made in quick succession.
  `CREATE TABLE "sequencer" (
    "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"),
    "version" bigint NOT NULL DEFAULT 0,
    "users" bigint NOT NULL DEFAULT 0,
    "identities" bigint NOT NULL DEFAULT 0,
    "attempts" bigint NOT NULL DEFAULT 0,
    "deliveries" bigint NOT NULL DEFAULT 0,
    "events" bigint NOT NULL DEFAULT 0,
    "credentials" bigint NOT NULL DEFAULT 0,
    "changes" bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 10)`,
  `INSERT INTO "sequencer" DEFAULT VALUES`,
];

export class CreateTables1718000000000 implements MigrationInterface {
  readonly name = 'CreateTables1718000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [name, words] of Object.entries(WORDS)) {
      const list = words.map((word) => `'${word}'`).join(', ');
      await runner.query(`CREATE DOMAIN ${name} AS ${TEXT} CHECK (VALUE IN (${list}))`);
    }
    for (const statement of TABLES) await runner.query(statement);
    const logId = randomBytes(6).toString('base64url');
    await runner.query(
      `INSERT INTO "settings" ("name", "value") VALUES ('log_id', '${logId}'), ('log_floor', '0')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    const tables = TABLES.flatMap(
      (statement) => /^CREATE TABLE ("\w+")/.exec(statement)?.[1] ?? [],
    );
    for (const table of tables.reverse()) await runner.query(`DROP TABLE ${table}`);
    for (const name of Object.keys(WORDS)) await runner.query(`DROP DOMAIN ${name}`);
  }
}
