/** Whether an account, and a user, is a person or a company. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = ['users', 'identities'] as const;

export class AddKinds1764330200000 implements MigrationInterface {
  readonly name = 'AddKinds1764330200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE DOMAIN subject_kind AS text COLLATE "C" CHECK (VALUE IN ('PERSON', 'COMPANY'))`,
    );
    for (const table of TABLES) {
      await runner.query(
        `ALTER TABLE "${table}" ADD COLUMN "kind" subject_kind NOT NULL DEFAULT 'PERSON'`,
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`ALTER TABLE "${table}" DROP COLUMN "kind"`);
    await runner.query('DROP DOMAIN subject_kind');
  }
}
