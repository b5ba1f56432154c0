/** Data keys in a table of their own, so that a copy of all other tables cannot be read without it. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateIdentityKeys1764000100000 implements MigrationInterface {
  readonly name = 'CreateIdentityKeys1764000100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "identity_keys" (
        "identity_id" integer PRIMARY KEY NOT NULL,
        "data_key" blob NOT NULL,
        "data_key_id" text NOT NULL,
        CONSTRAINT "identity_keys_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
      )
    `);
    await runner.query(
      `INSERT INTO "identity_keys" SELECT "id", "data_key", "data_key_id" FROM "identities" ORDER BY "id"`,
    );
    await runner.query(`ALTER TABLE "identities" DROP COLUMN "data_key"`);
    await runner.query(`ALTER TABLE "identities" DROP COLUMN "data_key_id"`);
  }

  /** Whose key was destroyed gets an empty one. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "identities" ADD COLUMN "data_key" blob NOT NULL DEFAULT x''`);
    await runner.query(
      `ALTER TABLE "identities" ADD COLUMN "data_key_id" text NOT NULL DEFAULT ''`,
    );
    await runner.query(
      `UPDATE "identities" SET "data_key" = k."data_key", "data_key_id" = k."data_key_id"
        FROM "identity_keys" k WHERE k."identity_id" = "identities"."id"`,
    );
    await runner.query(`DROP TABLE "identity_keys"`);
  }
}
