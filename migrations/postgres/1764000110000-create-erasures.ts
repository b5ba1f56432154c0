/** What remains of users who were erased, and what keeps users from being erased. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

const TEXT = 'text COLLATE "C"';

const BEFORE = ['DELIVERY', 'REPLAY', 'LINK', 'MERGE', 'EXPIRY', 'POLICY'];

export class CreateErasures1764000110000 implements MigrationInterface {
  readonly name = 'CreateErasures1764000110000';

  async up(runner: QueryRunner): Promise<void> {
    await allowCauses(runner, [...BEFORE, 'ERASURE']);
    await runner.query(`ALTER TABLE "users" ADD COLUMN "erased_at" ${TEXT}`);
    await runner.query(
      `CREATE INDEX "users_erased" ON "users" ("erased_at") WHERE erased_at IS NOT NULL`,
    );
    await runner.query(`
      CREATE TABLE "erased_subjects" (
        "digest" ${TEXT} PRIMARY KEY,
        "erased_at" ${TEXT} NOT NULL
      )
    `);
    await runner.query(`CREATE INDEX "erased_subjects_by_time" ON "erased_subjects" ("erased_at")`);
    await runner.query(`
      CREATE TABLE "legal_holds" (
        "user_id" bigint PRIMARY KEY,
        "basis" ${TEXT} NOT NULL,
        "until" ${TEXT},
        "set_at" ${TEXT} NOT NULL,
        CONSTRAINT "legal_holds_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
      )
    `);
    await runner.query(`
      CREATE TABLE "erasure_requests" (
        "user_id" bigint PRIMARY KEY,
        "requested_at" ${TEXT} NOT NULL,
        "reason" ${TEXT},
        "due_at" ${TEXT},
        CONSTRAINT "erasure_requests_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
      )
    `);
    await runner.query(`CREATE INDEX "erasure_requests_by_due" ON "erasure_requests" ("due_at")`);
  }

  /** Entries of erasures tell of no change: nothing is missing without them but the news that there was one. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`UPDATE "changes" SET "cause" = 'POLICY' WHERE "cause" = 'ERASURE'`);
    await allowCauses(runner, BEFORE);
    await runner.query(`DROP TABLE "erasure_requests"`);
    await runner.query(`DROP TABLE "legal_holds"`);
    await runner.query(`DROP TABLE "erased_subjects"`);
    await runner.query(`ALTER TABLE "users" DROP COLUMN "erased_at"`);
  }
}

async function allowCauses(runner: QueryRunner, words: readonly string[]): Promise<void> {
  const list = words.map((word) => `'${word}'`).join(', ');
  await runner.query('ALTER DOMAIN change_cause DROP CONSTRAINT change_cause_check');
  await runner.query(
    `ALTER DOMAIN change_cause ADD CONSTRAINT change_cause_check CHECK (VALUE IN (${list}))`,
  );
}
