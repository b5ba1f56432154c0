/** The rejection elsewhere that keeps the approval of a level from counting. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class BlockLevels1764330100000 implements MigrationInterface {
  readonly name = 'BlockLevels1764330100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "user_levels" ADD COLUMN "blocked_by" text COLLATE "C"`);
    await runner.query(`ALTER TABLE "user_levels" ADD COLUMN "blocked_at" text COLLATE "C"`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "user_levels" DROP COLUMN "blocked_at"`);
    await runner.query(`ALTER TABLE "user_levels" DROP COLUMN "blocked_by"`);
  }
}
