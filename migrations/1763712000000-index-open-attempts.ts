/**
 * An index of the attempts that are open, so that they can be counted without looking at any others. `decided_at`, which is
 * always NULL there, is in it so that SQLite need not look it up in the table.
 */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class IndexOpenAttempts1763712000000 implements MigrationInterface {
  readonly name = 'IndexOpenAttempts1763712000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX "attempts_open" ON "attempts" ("level_key", "status", "updated_at", "decided_at") WHERE decided_at IS NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX "attempts_open"`);
  }
}
