/** What remains of users who were erased, and what keeps users from being erased. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateErasures1764000110000 implements MigrationInterface {
  readonly name = 'CreateErasures1764000110000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "users" ADD COLUMN "erased_at" text`);
    await runner.query(
      `CREATE INDEX "users_erased" ON "users" ("erased_at") WHERE erased_at IS NOT NULL`,
    );
    await runner.query(`
      CREATE TABLE "erased_subjects" (
        "digest" text PRIMARY KEY NOT NULL,
        "erased_at" text NOT NULL
      )
    `);
    await runner.query(`CREATE INDEX "erased_subjects_by_time" ON "erased_subjects" ("erased_at")`);
    await runner.query(`
      CREATE TABLE "legal_holds" (
        "user_id" integer PRIMARY KEY NOT NULL,
        "basis" text NOT NULL,
        "until" text,
        "set_at" text NOT NULL,
        CONSTRAINT "legal_holds_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
      )
    `);
    await runner.query(`
      CREATE TABLE "erasure_requests" (
        "user_id" integer PRIMARY KEY NOT NULL,
        "requested_at" text NOT NULL,
        "reason" text,
        "due_at" text,
        CONSTRAINT "erasure_requests_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
      )
    `);
    await runner.query(`CREATE INDEX "erasure_requests_by_due" ON "erasure_requests" ("due_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "erasure_requests"`);
    await runner.query(`DROP TABLE "legal_holds"`);
    await runner.query(`DROP TABLE "erased_subjects"`);
    await runner.query(`DROP INDEX "users_erased"`);
    await runner.query(`ALTER TABLE "users" DROP COLUMN "erased_at"`);
  }
}
