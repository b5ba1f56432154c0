/** PgBouncer in front of the database, with its default settings. */

import { loadDatabaseConfig } from '../../../src/config/load-config';
import { toClientConfig, WRITER_LIMITS, withLimits } from '../../../src/store/postgres/connect';
import { createPool } from '../../../src/store/postgres/pool';
import { Session } from '../../../src/store/postgres/session';
import { createStatements } from '../../../src/store/postgres/statement';
import { startGateway } from '../../e2e/support/gateway';
import { change, createTestDatabase, query, type TestDatabase } from '../../support/databases';
import { createDisposal } from '../../support/disposal';
import { createPgBouncer } from '../../support/services/own-pgbouncer';
import { describeWith } from '../../support/services/programs';
import { createTempDir } from '../../support/temp-dir';

const LIMITS = `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
  current_setting('idle_in_transaction_session_timeout') AS idle`;
const READER = [{ statement: '15s', lock: '2500ms', idle: '10s' }];
const WRITER = [{ statement: '15s', lock: '2500ms', idle: '4s' }];
/** Terminates the connections of the pooler and waits until they are gone. */
const KILL = `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`;

describeWith('pgbouncer')('through PgBouncer', () => {
  const disposal = createDisposal();

  async function poolerOf(database: TestDatabase): Promise<string> {
    const pooler = await createPgBouncer(await createTempDir(disposal), database.url);
    disposal.defer(() => pooler.end());
    await pooler.start();
    return pooler.url;
  }

  it('lets the gateway start, store deliveries and run queries', async () => {
    const database = await createTestDatabase('NOTHING');
    disposal.defer(database.drop);
    const gateway = await startGateway(disposal, {
      env: { DATABASE_URL: await poolerOf(database) },
    });
    const body = { type: 'applicantCreated', applicantId: 'a', externalUserId: 'ada' };
    expect(await gateway.post('sumsub', body)).toMatchObject({ status: 200 });
    const { data } = await gateway.ask('{ webhookDeliveries(first: 5) { totalCount } cursor }');
    expect(data.webhookDeliveries.totalCount).toBe(1);
    expect(await query(database.config, 'SELECT count(*) AS n FROM deliveries')).toEqual([
      { n: 1 },
    ]);
  });

  it('gives every connection its limits, also after a reconnect', async () => {
    const database = await createTestDatabase();
    disposal.defer(database.drop);
    const config = loadDatabaseConfig({ DATABASE_URL: await poolerOf(database) });
    if (config.kind !== 'postgres') throw new Error('expected PostgreSQL');
    const options = { config: withLimits(toClientConfig(config)), toStatement: createStatements() };
    const pool = createPool({ ...options, max: 2 });
    disposal.defer(() => pool.close());
    const session = new Session({ ...options, setUp: [WRITER_LIMITS] });
    disposal.defer(() => session.close());
    for (let round = 0; round < 3; round += 1) {
      const limits = () => [pool, pool, session].map((on) => on.query(LIMITS).catch(() => null));
      let seen = await Promise.all(limits());
      // The first statement on a terminated connection may fail.
      while (seen.includes(null)) seen = await Promise.all(limits());
      expect(seen).toEqual([READER, READER, WRITER]);
      expect(await pool.snapshot((lent) => lent.query(LIMITS))).toEqual(READER);
      await change(database.config, KILL);
    }
  });
});
