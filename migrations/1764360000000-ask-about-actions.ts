/** Single actions are asked about, not only accounts. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AskAboutActions1764360000000 implements MigrationInterface {
  readonly name = 'AskAboutActions1764360000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "status_asks" RENAME TO "old_status_asks"`);
    await runner.query(`
      CREATE TABLE "status_asks" (
        "identity_id" integer NOT NULL,
        "action_id" integer NOT NULL,
        "asked_at" text NOT NULL,
        CONSTRAINT "status_asks_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id"),
        PRIMARY KEY ("identity_id", "action_id")
      )
    `);
    await runner.query(
      `INSERT INTO "status_asks" SELECT "identity_id", 0, "asked_at" FROM "old_status_asks"`,
    );
    await runner.query(`DROP TABLE "old_status_asks"`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "status_asks" RENAME TO "new_status_asks"`);
    await runner.query(`
      CREATE TABLE "status_asks" (
        "identity_id" integer PRIMARY KEY NOT NULL,
        "asked_at" text NOT NULL,
        CONSTRAINT "status_asks_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
      )
    `);
    await runner.query(
      `INSERT INTO "status_asks" SELECT "identity_id", "asked_at" FROM "new_status_asks" WHERE "action_id" = 0`,
    );
    await runner.query(`DROP TABLE "new_status_asks"`);
  }
}
