/** Erasures of single accounts that have to wait, while the other accounts of their users stay. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAccountErasures1764000210000 implements MigrationInterface {
  readonly name = 'CreateAccountErasures1764000210000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "account_erasure_requests" (
        "identity_id" integer PRIMARY KEY NOT NULL,
        "requested_at" text NOT NULL,
        "reason" text,
        "due_at" text,
        CONSTRAINT "account_erasure_requests_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
      )
    `);
    await runner.query(
      `CREATE INDEX "account_erasure_requests_by_due" ON "account_erasure_requests" ("due_at")`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "account_erasure_requests"`);
  }
}
