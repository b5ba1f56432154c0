/** The audit log, to which entries can only be added: none is changed or taken away. */

import type { MigrationInterface, QueryRunner } from 'typeorm';

const TEXT = 'text COLLATE "C"';

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
        "seq" bigint PRIMARY KEY,
        "at" ${TEXT} NOT NULL,
        "action" ${TEXT} NOT NULL,
        "actor" ${TEXT} NOT NULL,
        "subject" ${TEXT},
        "reason" ${TEXT},
        "details" ${TEXT} NOT NULL,
        "previous" ${TEXT} NOT NULL,
        "hash" ${TEXT} NOT NULL
      )
    `);
    for (const [name, columns] of Object.entries(INDEXES)) {
      await runner.query(`CREATE INDEX "${name}" ON "audit_entries" (${columns})`);
    }
    await runner.query(`
      CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $body$
    `);
    await runner.query(`
      CREATE TRIGGER "audit_entries_no_change" BEFORE UPDATE OR DELETE ON "audit_entries"
        FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()
    `);
    await runner.query(`
      CREATE TRIGGER "audit_entries_no_truncate" BEFORE TRUNCATE ON "audit_entries"
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "audit_entries"`);
    await runner.query('DROP FUNCTION refuse_audit_change');
  }
}
