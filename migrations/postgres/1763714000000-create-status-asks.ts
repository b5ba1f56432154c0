/** Whom the vendors' APIs were asked about, and an index of those to ask about soonest. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateStatusAsks1763714000000 implements MigrationInterface {
  readonly name = 'CreateStatusAsks1763714000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "status_asks" (
        "identity_id" bigint PRIMARY KEY,
        "asked_at" text COLLATE "C" NOT NULL,
        CONSTRAINT "status_asks_identity" FOREIGN KEY ("identity_id") REFERENCES "identities" ("id")
      )
    `);
    await runner.query(
      `CREATE INDEX "attempts_to_ask" ON "attempts" ("updated_at", "id") WHERE decided_at IS NULL`,
    );
    await runner.query(
      `CREATE INDEX "attempts_unconfirmed" ON "attempts" ("updated_at", "id") WHERE trust || ' ' || status IN ('TOKEN APPROVED', 'CONFIRMED CANCELLED')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX "attempts_unconfirmed"`);
    await runner.query(`DROP INDEX "attempts_to_ask"`);
    await runner.query(`DROP TABLE "status_asks"`);
  }
}
