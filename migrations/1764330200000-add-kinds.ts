/** Whether an account, and a user, is a person or a company. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = ['users', 'identities'] as const;

export class AddKinds1764330200000 implements MigrationInterface {
  readonly name = 'AddKinds1764330200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) {
      await runner.query(
        `ALTER TABLE "${table}" ADD COLUMN "kind" text NOT NULL DEFAULT 'PERSON' CHECK ("kind" IN ('PERSON', 'COMPANY'))`,
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`ALTER TABLE "${table}" DROP COLUMN "kind"`);
  }
}
