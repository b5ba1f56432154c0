/** The audit log, to which entries can only be added: one after the other, and none is changed or taken away. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An entry that replaces another one is refused with the number that is due: SQLite asks no other trigger about it. */
const TRIGGERS = [
  `CREATE TRIGGER "audit_entries_in_order" BEFORE INSERT ON "audit_entries"
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_entries)
    BEGIN SELECT RAISE(ABORT, 'the audit log takes the next entry alone'); END`,
  `CREATE TRIGGER "audit_entries_no_update" BEFORE UPDATE ON "audit_entries"
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
  `CREATE TRIGGER "audit_entries_no_delete" BEFORE DELETE ON "audit_entries"
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
];

const INDEXES: Readonly<Record<string, string>> = {
  audit_entries_by_time: '"at", "seq"',
  audit_entries_by_action: '"action", "at", "seq"',
  audit_entries_by_actor: '"actor", "at", "seq"',
  audit_entries_by_subject: '"subject", "at", "seq"',
};

export class CreateAuditEntries1764000000000 implements MigrationInterface {
  readonly name = 'CreateAuditEntries1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "audit_entries" (
        "seq" integer PRIMARY KEY NOT NULL,
        "at" text NOT NULL,
        "action" text NOT NULL,
        "actor" text NOT NULL,
        "subject" text,
        "reason" text,
        "details" text NOT NULL,
        "previous" text NOT NULL,
        "hash" text NOT NULL
      )
    `);
    for (const [name, columns] of Object.entries(INDEXES)) {
      await runner.query(`CREATE INDEX "${name}" ON "audit_entries" (${columns})`);
    }
    for (const trigger of TRIGGERS) await runner.query(trigger);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "audit_entries"`);
  }
}
