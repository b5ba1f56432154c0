/** Indexes of what lies directly under a master key, so that it is found when the key is exchanged. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

export class IndexMasterKeys1764000200000 implements MigrationInterface {
  readonly name = 'IndexMasterKeys1764000200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX "identity_keys_by_master" ON "identity_keys" ("data_key_id", "identity_id")`,
    );
    await runner.query(
      `CREATE INDEX "deliveries_by_master" ON "deliveries" ("body_key_id", "id") WHERE body_key_id IS NOT NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX "deliveries_by_master"`);
    await runner.query(`DROP INDEX "identity_keys_by_master"`);
  }
}
