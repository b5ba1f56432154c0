/**
 * The schema on PostgreSQL. The entities document tables and columns.
 *
 * - The gateway assigns all IDs but those of API keys; see the table `sequencer`.
 * - Text is compared byte by byte (`COLLATE "C"`): the order equals SQLite's and does not depend on the locale.
 * - Closed value sets are domains over text: statements see text, and the database rejects unknown values.
 * - Times are text. Provider timestamps have up to nine decimals and `timestamptz` has six. In one format, the order of the
 *   text is the order of time.
 * - Values for display are `jsonb`. `events.body` is `json`, which returns the stored text byte for byte: a replay compares
 *   events by this text.
 * - Where several indexes begin with `provider`, unique keys begin with the other column: without statistics, PostgreSQL picks
 *   any index that matches.
 */

import { randomBytes } from 'node:crypto';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const DOMAINS: Readonly<Record<string, readonly string[]>> = {
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
  change_cause: ['DELIVERY', 'REPLAY', 'LINK', 'MERGE', 'EXPIRY', 'POLICY', 'ERASURE'],
  disposition: ['APPLIED', 'UNCHANGED', 'STALE', 'IGNORED', 'QUARANTINED'],
  level_kind: ['LEVEL', 'ADD_ON', 'ACTION'],
  subject_kind: ['PERSON', 'COMPANY'],
  trust: ['SIGNED', 'TOKEN', 'CONFIRMED'],
  verification_status: ['NOT_VERIFIED', 'VERIFIED', 'EXPIRED'],
};

const TEXT = 'text COLLATE "C"';

const SCHEMA = [
  `CREATE TABLE "users" (
    "id" bigint PRIMARY KEY,
    "external_user_id" ${TEXT},
    "merged_into" bigint,
    "kind" subject_kind NOT NULL DEFAULT 'PERSON',
    "verification_status" verification_status NOT NULL,
    "status_since" ${TEXT},
    "expires_at" ${TEXT},
    "active" boolean NOT NULL,
    "erased_at" ${TEXT},
    "created_at" ${TEXT} NOT NULL,
    "updated_at" ${TEXT} NOT NULL,
    CONSTRAINT "users_external_user_id" UNIQUE ("external_user_id"),
    CONSTRAINT "users_merged_into" FOREIGN KEY ("merged_into") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "users_by_merge" ON "users" ("merged_into") WHERE merged_into IS NOT NULL`,
  `CREATE INDEX "users_by_status" ON "users" ("verification_status", "created_at", "id")`,
  `CREATE INDEX "users_by_update" ON "users" ("updated_at", "id")`,
  `CREATE INDEX "users_by_creation" ON "users" ("created_at", "id")`,
  `CREATE INDEX "users_erased" ON "users" ("erased_at") WHERE erased_at IS NOT NULL`,
  `CREATE TABLE "identities" (
    "id" bigint PRIMARY KEY,
    "user_id" bigint NOT NULL,
    "provider" ${TEXT} NOT NULL,
    "subject_ref" ${TEXT} NOT NULL,
    "external_user_id" ${TEXT},
    "kind" subject_kind NOT NULL DEFAULT 'PERSON',
    "state" account_state NOT NULL,
    "linked" boolean NOT NULL,
    "undated_delivery_id" bigint,
    "created_at" ${TEXT} NOT NULL,
    CONSTRAINT "identities_subject" UNIQUE ("provider", "subject_ref"),
    CONSTRAINT "identities_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "identities_by_user" ON "identities" ("user_id")`,
  // Data keys. They are in a table of their own, so that a copy of all other tables cannot be decrypted.
  `CREATE TABLE "identity_keys" (
    "identity_id" bigint PRIMARY KEY,
    "data_key" bytea NOT NULL,
    "data_key_id" ${TEXT} NOT NULL,
    CONSTRAINT "identity_keys_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
  )`,
  `CREATE INDEX "identity_keys_by_master" ON "identity_keys" ("data_key_id", "identity_id")`,
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
  `CREATE INDEX "attempts_open" ON "attempts" ("level_key", "status", "updated_at", "decided_at") WHERE decided_at IS NULL`,
  `CREATE INDEX "attempts_to_check" ON "attempts" ("updated_at", "id") WHERE decided_at IS NULL`,
  `CREATE INDEX "attempts_unconfirmed" ON "attempts" ("updated_at", "id") WHERE trust || ' ' || status IN ('TOKEN APPROVED', 'CONFIRMED CANCELLED')`,
  `CREATE TABLE "user_levels" (
    "user_id" bigint NOT NULL,
    "level_key" ${TEXT} NOT NULL,
    "kind" level_kind NOT NULL,
    "status" verification_status NOT NULL,
    "since" ${TEXT} NOT NULL,
    "expires_at" ${TEXT},
    "superseded" boolean NOT NULL,
    "blocked_by" ${TEXT},
    "blocked_at" ${TEXT},
    "latest_attempt_id" bigint NOT NULL,
    CONSTRAINT "user_levels_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
    CONSTRAINT "user_levels_level_key" FOREIGN KEY ("level_key") REFERENCES "levels" ("key"),
    CONSTRAINT "user_levels_latest_attempt" FOREIGN KEY ("latest_attempt_id") REFERENCES "attempts" ("id"),
    PRIMARY KEY ("user_id", "level_key")
  )`,
  `CREATE INDEX "user_levels_by_expiry" ON "user_levels" ("expires_at") WHERE status = 'VERIFIED'`,
  `CREATE INDEX "user_levels_by_level" ON "user_levels" ("level_key", "user_id")`,
  // For the foreign key. SQLite scans the levels of one user instead.
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
  // Ciphertext does not compress.
  `ALTER TABLE "deliveries" ALTER COLUMN "body" SET STORAGE EXTERNAL`,
  `CREATE INDEX "deliveries_by_identity" ON "deliveries" ("identity_id")`,
  `CREATE INDEX "deliveries_by_disposition" ON "deliveries" ("disposition", "received_at")`,
  `CREATE INDEX "deliveries_recurring" ON "deliveries" ("provider", "id") WHERE strpos(duplicate_key, '@') > 0`,
  `CREATE INDEX "deliveries_quarantined" ON "deliveries" ("provider", "id") WHERE disposition = 'QUARANTINED'`,
  `CREATE INDEX "deliveries_by_provider" ON "deliveries" ("provider", "received_at")`,
  `CREATE INDEX "deliveries_by_receipt" ON "deliveries" ("received_at")`,
  `CREATE INDEX "deliveries_by_master" ON "deliveries" ("body_key_id", "id") WHERE body_key_id IS NOT NULL`,
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
    CONSTRAINT "credentials_delivery_ref" UNIQUE ("delivery_id", "credential_ref"),
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
    "nonce" bigint NOT NULL DEFAULT 0,
    CONSTRAINT "changes_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "changes_by_attempt" ON "changes" ("attempt_id")`,
  `CREATE INDEX "changes_by_delivery" ON "changes" ("delivery_id")`,
  `CREATE INDEX "changes_by_merge" ON "changes" ("merged_user_id") WHERE merged_user_id IS NOT NULL`,
  `CREATE INDEX "changes_by_user" ON "changes" ("user_id", "id")`,
  `CREATE TABLE "status_checks" (
    "identity_id" bigint NOT NULL,
    "action_id" bigint NOT NULL,
    "checked_at" ${TEXT} NOT NULL,
    CONSTRAINT "status_checks_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id"),
    PRIMARY KEY ("identity_id", "action_id")
  )`,
  `CREATE TABLE "erased_subjects" (
    "digest" ${TEXT} PRIMARY KEY,
    "erased_at" ${TEXT} NOT NULL
  )`,
  `CREATE INDEX "erased_subjects_by_time" ON "erased_subjects" ("erased_at")`,
  `CREATE TABLE "legal_holds" (
    "user_id" bigint PRIMARY KEY,
    "basis" ${TEXT} NOT NULL,
    "until" ${TEXT},
    "set_at" ${TEXT} NOT NULL,
    CONSTRAINT "legal_holds_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE TABLE "erasure_requests" (
    "user_id" bigint PRIMARY KEY,
    "requested_at" ${TEXT} NOT NULL,
    "reason" ${TEXT},
    "due_at" ${TEXT},
    CONSTRAINT "erasure_requests_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "erasure_requests_by_due" ON "erasure_requests" ("due_at")`,
  `CREATE TABLE "account_erasure_requests" (
    "identity_id" bigint PRIMARY KEY,
    "requested_at" ${TEXT} NOT NULL,
    "reason" ${TEXT},
    "due_at" ${TEXT},
    CONSTRAINT "account_erasure_requests_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
  )`,
  `CREATE INDEX "account_erasure_requests_by_due" ON "account_erasure_requests" ("due_at")`,
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
  `CREATE TABLE "audit_entries" (
    "seq" bigint PRIMARY KEY,
    "at" ${TEXT} NOT NULL,
    "action" ${TEXT} NOT NULL,
    "actor" ${TEXT} NOT NULL,
    "subject" ${TEXT},
    "reason" ${TEXT},
    "details" ${TEXT} NOT NULL,
    "previous" ${TEXT} NOT NULL,
    "hash" ${TEXT} NOT NULL
  )`,
  `CREATE INDEX "audit_entries_by_time" ON "audit_entries" ("at", "seq")`,
  `CREATE INDEX "audit_entries_by_action" ON "audit_entries" ("action", "at", "seq")`,
  `CREATE INDEX "audit_entries_by_actor" ON "audit_entries" ("actor", "at", "seq")`,
  `CREATE INDEX "audit_entries_by_subject" ON "audit_entries" ("subject", "at", "seq")`,
  `CREATE FUNCTION reject_audit_change() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $body$`,
  `CREATE TRIGGER "audit_entries_no_change" BEFORE UPDATE OR DELETE ON "audit_entries"
    FOR EACH ROW EXECUTE FUNCTION reject_audit_change()`,
  `CREATE TRIGGER "audit_entries_no_truncate" BEFORE TRUNCATE ON "audit_entries"
    FOR EACH STATEMENT EXECUTE FUNCTION reject_audit_change()`,
  // One row: the highest assigned ID per table, and a counter of write transactions. Writers lock the row until commit; see
  // `save.ts`. The fill factor leaves room on the page for row versions in quick succession.
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

export class CreateSchema1764400000000 implements MigrationInterface {
  readonly name = 'CreateSchema1764400000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [name, values] of Object.entries(DOMAINS)) {
      const list = values.map((value) => `'${value}'`).join(', ');
      await runner.query(`CREATE DOMAIN ${name} AS ${TEXT} CHECK (VALUE IN (${list}))`);
    }
    for (const statement of SCHEMA) await runner.query(statement);
    await runner.query(
      `INSERT INTO "settings" ("name", "value") VALUES ('log_id', $1), ('log_floor', '0')`,
      [randomBytes(6).toString('base64url')],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of getTables().reverse()) await runner.query(`DROP TABLE ${table}`);
    await runner.query('DROP FUNCTION reject_audit_change');
    for (const name of Object.keys(DOMAINS)) await runner.query(`DROP DOMAIN ${name}`);
  }
}

/** Table names, quoted, in order of creation. */
function getTables(): string[] {
  return SCHEMA.flatMap((statement) => /^CREATE TABLE ("\w+")/.exec(statement)?.[1] ?? []);
}
