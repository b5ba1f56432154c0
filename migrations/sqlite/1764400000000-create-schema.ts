/**
 * The schema on SQLite. The entities document tables and columns.
 *
 * - The index `attempts_open` includes `decided_at`, which is always NULL there, so that SQLite counts open attempts from the
 *   index alone.
 * - The triggers of `audit_entries` make the audit log append-only and consecutive.
 */

import { randomBytes } from 'node:crypto';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const SCHEMA = [
  `CREATE TABLE "users" (
    "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    "external_user_id" text,
    "merged_into" integer,
    "kind" text NOT NULL DEFAULT 'PERSON' CHECK ("kind" IN ('PERSON', 'COMPANY')),
    "verification_status" text NOT NULL,
    "status_since" text,
    "expires_at" text,
    "active" boolean NOT NULL,
    "erased_at" text,
    "created_at" text NOT NULL,
    "updated_at" text NOT NULL,
    CONSTRAINT "users_external_user_id" UNIQUE ("external_user_id"),
    CONSTRAINT "users_merged_into" FOREIGN KEY ("merged_into") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "users_by_merge" ON "users" ("merged_into") WHERE merged_into IS NOT NULL`,
  `CREATE INDEX "users_by_status" ON "users" ("verification_status", "created_at", "id")`,
  `CREATE INDEX "users_by_update" ON "users" ("updated_at", "id")`,
  `CREATE INDEX "users_by_creation" ON "users" ("created_at", "id")`,
  `CREATE INDEX "users_erased" ON "users" ("erased_at") WHERE erased_at IS NOT NULL`,
  `CREATE TABLE "identities" (
    "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    "user_id" integer NOT NULL,
    "provider" text NOT NULL,
    "subject_ref" text NOT NULL,
    "external_user_id" text,
    "kind" text NOT NULL DEFAULT 'PERSON' CHECK ("kind" IN ('PERSON', 'COMPANY')),
    "state" text NOT NULL,
    "linked" boolean NOT NULL,
    "undated_delivery_id" integer,
    "created_at" text NOT NULL,
    CONSTRAINT "identities_subject" UNIQUE ("provider", "subject_ref"),
    CONSTRAINT "identities_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "identities_by_user" ON "identities" ("user_id")`,
  // Data keys. They are in a table of their own, so that a copy of all other tables cannot be decrypted.
  `CREATE TABLE "identity_keys" (
    "identity_id" integer PRIMARY KEY NOT NULL,
    "data_key" blob NOT NULL,
    "data_key_id" text NOT NULL,
    CONSTRAINT "identity_keys_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
  )`,
  `CREATE INDEX "identity_keys_by_master" ON "identity_keys" ("data_key_id", "identity_id")`,
  `CREATE TABLE "levels" (
    "key" text PRIMARY KEY NOT NULL,
    "provider" text NOT NULL,
    "name" text NOT NULL,
    "kind" text NOT NULL
  )`,
  `CREATE TABLE "attempts" (
    "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    "identity_id" integer NOT NULL,
    "user_id" integer NOT NULL,
    "level_key" text NOT NULL,
    "number" integer NOT NULL,
    "attempt_ref" text,
    "status" text NOT NULL,
    "provider_status" text NOT NULL,
    "rejection" text,
    "review_reasons" text NOT NULL,
    "trust" text NOT NULL,
    "sandbox" boolean NOT NULL,
    "started_at" text NOT NULL,
    "updated_at" text NOT NULL,
    "decided_at" text,
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
    "user_id" integer NOT NULL,
    "level_key" text NOT NULL,
    "kind" text NOT NULL,
    "status" text NOT NULL,
    "since" text NOT NULL,
    "expires_at" text,
    "superseded" boolean NOT NULL,
    "blocked_by" text,
    "blocked_at" text,
    "latest_attempt_id" integer NOT NULL,
    CONSTRAINT "user_levels_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
    CONSTRAINT "user_levels_level_key" FOREIGN KEY ("level_key") REFERENCES "levels" ("key"),
    CONSTRAINT "user_levels_latest_attempt" FOREIGN KEY ("latest_attempt_id") REFERENCES "attempts" ("id"),
    PRIMARY KEY ("user_id", "level_key")
  ) WITHOUT ROWID`,
  `CREATE INDEX "user_levels_by_expiry" ON "user_levels" ("expires_at") WHERE status = 'VERIFIED'`,
  `CREATE INDEX "user_levels_by_level" ON "user_levels" ("level_key", "user_id")`,
  `CREATE TABLE "deliveries" (
    "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    "provider" text NOT NULL,
    "duplicate_key" text NOT NULL,
    "duplicates" integer NOT NULL,
    "received_at" text NOT NULL,
    "trust" text NOT NULL,
    "disposition" text NOT NULL,
    "reason_code" text,
    "reason" text,
    "event_type" text,
    "subpath" text NOT NULL,
    "identity_id" integer,
    "body" blob NOT NULL,
    "body_key_id" text,
    CONSTRAINT "deliveries_key" UNIQUE ("provider", "duplicate_key"),
    CONSTRAINT "deliveries_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
  )`,
  `CREATE INDEX "deliveries_by_identity" ON "deliveries" ("identity_id")`,
  `CREATE INDEX "deliveries_by_disposition" ON "deliveries" ("disposition", "received_at")`,
  `CREATE INDEX "deliveries_recurring" ON "deliveries" ("provider", "id") WHERE instr(duplicate_key, '@') > 0`,
  `CREATE INDEX "deliveries_quarantined" ON "deliveries" ("provider", "id") WHERE disposition = 'QUARANTINED'`,
  `CREATE INDEX "deliveries_by_provider" ON "deliveries" ("provider", "received_at")`,
  `CREATE INDEX "deliveries_by_receipt" ON "deliveries" ("received_at")`,
  `CREATE INDEX "deliveries_by_master" ON "deliveries" ("body_key_id", "id") WHERE body_key_id IS NOT NULL`,
  `CREATE TABLE "events" (
    "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    "key" text NOT NULL,
    "delivery_id" integer NOT NULL,
    "identity_id" integer NOT NULL,
    "received_at" text NOT NULL,
    "trust" text NOT NULL,
    "body" text NOT NULL,
    "personal" blob,
    CONSTRAINT "events_key" UNIQUE ("identity_id", "key"),
    CONSTRAINT "events_delivery" FOREIGN KEY ("delivery_id") REFERENCES "deliveries" ("id"),
    CONSTRAINT "events_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
  )`,
  `CREATE INDEX "events_by_delivery" ON "events" ("delivery_id")`,
  `CREATE TABLE "credentials" (
    "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    "provider" text NOT NULL,
    "holder_ref" text NOT NULL,
    "credential_ref" text NOT NULL,
    "issued_at" text NOT NULL,
    "delivery_id" integer NOT NULL,
    CONSTRAINT "credentials_delivery_ref" UNIQUE ("delivery_id", "credential_ref"),
    CONSTRAINT "credentials_delivery" FOREIGN KEY ("delivery_id") REFERENCES "deliveries" ("id")
  )`,
  `CREATE INDEX "credentials_by_holder" ON "credentials" ("provider", "holder_ref")`,
  `CREATE INDEX "credentials_by_ref" ON "credentials" ("provider", "credential_ref")`,
  `CREATE TABLE "changes" (
    "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    "user_id" integer NOT NULL,
    "provider" text,
    "level_key" text,
    "attempt_id" integer,
    "attempt_status" text,
    "previous_attempt_status" text,
    "level_status" text,
    "previous_level_status" text,
    "verification_status" text NOT NULL,
    "previous_verification_status" text NOT NULL,
    "active" boolean NOT NULL,
    "previous_active" boolean NOT NULL,
    "rejection" text,
    "cause" text NOT NULL,
    "delivery_id" integer,
    "actor" text,
    "merged_user_id" integer,
    "occurred_at" text NOT NULL,
    "recorded_at" text NOT NULL,
    "nonce" integer NOT NULL DEFAULT 0,
    CONSTRAINT "changes_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "changes_by_attempt" ON "changes" ("attempt_id")`,
  `CREATE INDEX "changes_by_delivery" ON "changes" ("delivery_id")`,
  `CREATE INDEX "changes_by_merge" ON "changes" ("merged_user_id") WHERE merged_user_id IS NOT NULL`,
  `CREATE INDEX "changes_by_user" ON "changes" ("user_id", "id")`,
  `CREATE TABLE "status_checks" (
    "identity_id" integer NOT NULL,
    "action_id" integer NOT NULL,
    "checked_at" text NOT NULL,
    CONSTRAINT "status_checks_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id"),
    PRIMARY KEY ("identity_id", "action_id")
  )`,
  `CREATE TABLE "erased_subjects" (
    "digest" text PRIMARY KEY NOT NULL,
    "erased_at" text NOT NULL
  )`,
  `CREATE INDEX "erased_subjects_by_time" ON "erased_subjects" ("erased_at")`,
  `CREATE TABLE "legal_holds" (
    "user_id" integer PRIMARY KEY NOT NULL,
    "basis" text NOT NULL,
    "until" text,
    "set_at" text NOT NULL,
    CONSTRAINT "legal_holds_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE TABLE "erasure_requests" (
    "user_id" integer PRIMARY KEY NOT NULL,
    "requested_at" text NOT NULL,
    "reason" text,
    "due_at" text,
    CONSTRAINT "erasure_requests_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
  )`,
  `CREATE INDEX "erasure_requests_by_due" ON "erasure_requests" ("due_at")`,
  `CREATE TABLE "account_erasure_requests" (
    "identity_id" integer PRIMARY KEY NOT NULL,
    "requested_at" text NOT NULL,
    "reason" text,
    "due_at" text,
    CONSTRAINT "account_erasure_requests_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
  )`,
  `CREATE INDEX "account_erasure_requests_by_due" ON "account_erasure_requests" ("due_at")`,
  `CREATE TABLE "api_keys" (
    "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    "name" text NOT NULL,
    "prefix" text NOT NULL,
    "hash" text NOT NULL,
    "scopes" text NOT NULL,
    "created_at" text NOT NULL,
    "revoked_at" text,
    CONSTRAINT "api_keys_prefix" UNIQUE ("prefix"),
    CONSTRAINT "api_keys_hash" UNIQUE ("hash")
  )`,
  `CREATE TABLE "settings" (
    "name" text PRIMARY KEY NOT NULL,
    "value" text NOT NULL
  )`,
  `CREATE TABLE "audit_entries" (
    "seq" integer PRIMARY KEY NOT NULL,
    "at" text NOT NULL,
    "action" text NOT NULL,
    "actor" text NOT NULL,
    "subject" text,
    "reason" text,
    "details" text NOT NULL,
    "previous" text NOT NULL,
    "hash" text NOT NULL
  )`,
  `CREATE INDEX "audit_entries_by_time" ON "audit_entries" ("at", "seq")`,
  `CREATE INDEX "audit_entries_by_action" ON "audit_entries" ("action", "at", "seq")`,
  `CREATE INDEX "audit_entries_by_actor" ON "audit_entries" ("actor", "at", "seq")`,
  `CREATE INDEX "audit_entries_by_subject" ON "audit_entries" ("subject", "at", "seq")`,
  // Also rejects INSERT OR REPLACE, for which SQLite does not fire the delete trigger.
  `CREATE TRIGGER "audit_entries_in_order" BEFORE INSERT ON "audit_entries"
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_entries)
    BEGIN SELECT RAISE(ABORT, 'the audit log accepts only the next number'); END`,
  `CREATE TRIGGER "audit_entries_no_update" BEFORE UPDATE ON "audit_entries"
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
  `CREATE TRIGGER "audit_entries_no_delete" BEFORE DELETE ON "audit_entries"
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
];

export class CreateSchema1764400000000 implements MigrationInterface {
  readonly name = 'CreateSchema1764400000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of SCHEMA) await runner.query(statement);
    await runner.query(
      `INSERT INTO "settings" ("name", "value") VALUES ('log_id', ?), ('log_floor', '0')`,
      [randomBytes(6).toString('base64url')],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of getTables().reverse()) await runner.query(`DROP TABLE ${table}`);
  }
}

/** Table names, quoted, in order of creation. */
function getTables(): string[] {
  return SCHEMA.flatMap((statement) => /^CREATE TABLE ("\w+")/.exec(statement)?.[1] ?? []);
}
