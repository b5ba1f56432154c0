/** A level that the vendor replaced by another keeps its approval: it is superseded, not withdrawn. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RenameSuperseded1764330000000 implements MigrationInterface {
  readonly name = 'RenameSuperseded1764330000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "user_levels" RENAME COLUMN "withdrawn" TO "superseded"`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "user_levels" RENAME COLUMN "superseded" TO "withdrawn"`);
  }
}
