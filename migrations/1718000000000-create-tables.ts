/** The first tables: users and their identities, what was said of them, what it adds up to, and the log of changes. */

import { randomBytes } from 'node:crypto';
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateTables1718000000000 implements MigrationInterface {
  readonly name = 'CreateTables1718000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "users" (
        "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
        "external_user_id" text,
        "merged_into" integer,
        "verification_status" text NOT NULL,
        "status_since" text,
        "expires_at" text,
        "active" boolean NOT NULL,
        "created_at" text NOT NULL,
        "updated_at" text NOT NULL,
        CONSTRAINT "users_external_user_id" UNIQUE ("external_user_id"),
        CONSTRAINT "users_merged_into" FOREIGN KEY ("merged_into") REFERENCES "users" ("id")
      )
    `);
    await runner.query(
      `CREATE INDEX "users_by_merge" ON "users" ("merged_into") WHERE merged_into IS NOT NULL`,
    );
    await runner.query(
      `CREATE INDEX "users_by_status" ON "users" ("verification_status", "created_at", "id")`,
    );
    await runner.query(`CREATE INDEX "users_by_update" ON "users" ("updated_at", "id")`);
    await runner.query(`CREATE INDEX "users_by_creation" ON "users" ("created_at", "id")`);
    await runner.query(`
      CREATE TABLE "identities" (
        "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
        "user_id" integer NOT NULL,
        "provider" text NOT NULL,
        "subject_ref" text NOT NULL,
        "external_user_id" text,
        "state" text NOT NULL,
        "linked" boolean NOT NULL,
        "data_key" blob NOT NULL,
        "data_key_id" text NOT NULL,
        "undated_delivery_id" integer,
        "created_at" text NOT NULL,
        CONSTRAINT "identities_subject" UNIQUE ("provider", "subject_ref"),
        CONSTRAINT "identities_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
      )
    `);
    await runner.query(`CREATE INDEX "identities_by_user" ON "identities" ("user_id")`);
    await runner.query(`
      CREATE TABLE "levels" (
        "key" text PRIMARY KEY NOT NULL,
        "provider" text NOT NULL,
        "name" text NOT NULL,
        "kind" text NOT NULL
      )
    `);
    await runner.query(`
      CREATE TABLE "attempts" (
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
      )
    `);
    await runner.query(
      `CREATE INDEX "attempts_by_identity" ON "attempts" ("identity_id", "level_key", "number")`,
    );
    await runner.query(
      `CREATE INDEX "attempts_by_status" ON "attempts" ("status", "started_at", "id")`,
    );
    await runner.query(`CREATE INDEX "attempts_by_update" ON "attempts" ("updated_at", "id")`);
    await runner.query(`CREATE INDEX "attempts_by_start" ON "attempts" ("started_at", "id")`);
    await runner.query(
      `CREATE INDEX "attempts_by_user" ON "attempts" ("user_id", "started_at", "id")`,
    );
    await runner.query(`
      CREATE TABLE "user_levels" (
        "user_id" integer NOT NULL,
        "level_key" text NOT NULL,
        "kind" text NOT NULL,
        "status" text NOT NULL,
        "since" text NOT NULL,
        "expires_at" text,
        "withdrawn" boolean NOT NULL,
        "latest_attempt_id" integer NOT NULL,
        CONSTRAINT "user_levels_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
        CONSTRAINT "user_levels_level_key" FOREIGN KEY ("level_key") REFERENCES "levels" ("key"),
        CONSTRAINT "user_levels_latest_attempt" FOREIGN KEY ("latest_attempt_id") REFERENCES "attempts" ("id"),
        PRIMARY KEY ("user_id", "level_key")
      ) WITHOUT ROWID
    `);
    await runner.query(
      `CREATE INDEX "user_levels_by_expiry" ON "user_levels" ("expires_at") WHERE status = 'VERIFIED'`,
    );
    await runner.query(
      `CREATE INDEX "user_levels_by_level" ON "user_levels" ("level_key", "user_id")`,
    );
    await runner.query(`
      CREATE TABLE "deliveries" (
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
      )
    `);
    await runner.query(`CREATE INDEX "deliveries_by_identity" ON "deliveries" ("identity_id")`);
    await runner.query(
      `CREATE INDEX "deliveries_by_disposition" ON "deliveries" ("disposition", "received_at")`,
    );
    await runner.query(
      `CREATE INDEX "deliveries_recurring" ON "deliveries" ("provider", "id") WHERE instr(duplicate_key, '@') > 0`,
    );
    await runner.query(
      `CREATE INDEX "deliveries_unread" ON "deliveries" ("provider", "id") WHERE disposition = 'QUARANTINED'`,
    );
    await runner.query(
      `CREATE INDEX "deliveries_by_provider" ON "deliveries" ("provider", "received_at")`,
    );
    await runner.query(`CREATE INDEX "deliveries_by_receipt" ON "deliveries" ("received_at")`);
    await runner.query(`
      CREATE TABLE "events" (
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
      )
    `);
    await runner.query(`CREATE INDEX "events_by_delivery" ON "events" ("delivery_id")`);
    await runner.query(`
      CREATE TABLE "credentials" (
        "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
        "provider" text NOT NULL,
        "holder_ref" text NOT NULL,
        "credential_ref" text NOT NULL,
        "issued_at" text NOT NULL,
        "delivery_id" integer NOT NULL,
        CONSTRAINT "credentials_word" UNIQUE ("delivery_id", "credential_ref"),
        CONSTRAINT "credentials_delivery" FOREIGN KEY ("delivery_id") REFERENCES "deliveries" ("id")
      )
    `);
    await runner.query(
      `CREATE INDEX "credentials_by_holder" ON "credentials" ("provider", "holder_ref")`,
    );
    await runner.query(
      `CREATE INDEX "credentials_by_ref" ON "credentials" ("provider", "credential_ref")`,
    );
    await runner.query(`
      CREATE TABLE "changes" (
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
        CONSTRAINT "changes_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
      )
    `);
    await runner.query(`CREATE INDEX "changes_by_attempt" ON "changes" ("attempt_id")`);
    await runner.query(`CREATE INDEX "changes_by_delivery" ON "changes" ("delivery_id")`);
    await runner.query(
      `CREATE INDEX "changes_by_merge" ON "changes" ("merged_user_id") WHERE merged_user_id IS NOT NULL`,
    );
    await runner.query(`CREATE INDEX "changes_by_user" ON "changes" ("user_id", "id")`);
    await runner.query(`
      CREATE TABLE "api_keys" (
        "id" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
        "name" text NOT NULL,
        "prefix" text NOT NULL,
        "hash" text NOT NULL,
        "scopes" text NOT NULL,
        "created_at" text NOT NULL,
        "revoked_at" text,
        CONSTRAINT "api_keys_prefix" UNIQUE ("prefix"),
        CONSTRAINT "api_keys_hash" UNIQUE ("hash")
      )
    `);
    await runner.query(`
      CREATE TABLE "settings" (
        "name" text PRIMARY KEY NOT NULL,
        "value" text NOT NULL
      )
    `);
    const logId = randomBytes(6).toString('base64url');
    await runner.query(
      `INSERT INTO "settings" ("name", "value") VALUES ('log_id', '${logId}'), ('log_floor', '0')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "settings"`);
    await runner.query(`DROP TABLE "api_keys"`);
    await runner.query(`DROP TABLE "changes"`);
    await runner.query(`DROP TABLE "credentials"`);
    await runner.query(`DROP TABLE "events"`);
    await runner.query(`DROP TABLE "deliveries"`);
    await runner.query(`DROP TABLE "user_levels"`);
    await runner.query(`DROP TABLE "attempts"`);
    await runner.query(`DROP TABLE "levels"`);
    await runner.query(`DROP TABLE "identities"`);
    await runner.query(`DROP TABLE "users"`);
  }
}
