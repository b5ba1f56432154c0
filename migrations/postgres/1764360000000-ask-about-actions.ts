/** Single actions are asked about, not only accounts. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AskAboutActions1764360000000 implements MigrationInterface {
  readonly name = 'AskAboutActions1764360000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE "status_asks" ADD COLUMN "action_id" bigint NOT NULL DEFAULT 0`,
    );
    await runner.query(`ALTER TABLE "status_asks" ALTER COLUMN "action_id" DROP DEFAULT`);
    await runner.query(`ALTER TABLE "status_asks" DROP CONSTRAINT "status_asks_pkey"`);
    await runner.query(`ALTER TABLE "status_asks" ADD PRIMARY KEY ("identity_id", "action_id")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM "status_asks" WHERE "action_id" <> 0`);
    await runner.query(`ALTER TABLE "status_asks" DROP CONSTRAINT "status_asks_pkey"`);
    await runner.query(`ALTER TABLE "status_asks" DROP COLUMN "action_id"`);
    await runner.query(`ALTER TABLE "status_asks" ADD PRIMARY KEY ("identity_id")`);
  }
}
