/** A random number for each entry of the log, so that a cursor can be checked against the entry that it names. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddChangeNonces1764300100000 implements MigrationInterface {
  readonly name = 'AddChangeNonces1764300100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "changes" ADD COLUMN "nonce" integer NOT NULL DEFAULT 0`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "changes" DROP COLUMN "nonce"`);
    await runner.query(`DELETE FROM "settings" WHERE "name" = 'log_floor_nonce'`);
  }
}
