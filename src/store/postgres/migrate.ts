/** Applies migrations, of which many instances may be told at once. */

import type { DataSource } from 'typeorm';

/** Any number that nobody else uses in this database. */
const LOCK = 7_305_814_220_519;

/**
 * Alone among all instances: whoever comes meanwhile waits, and finds the work done.
 *
 * @param dataSource - Initialized, with two connections to give.
 */
export async function alone<T>(dataSource: DataSource, work: () => Promise<T>): Promise<T> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [LOCK]);
    try {
      return await work();
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    }
  } finally {
    await runner.release();
  }
}
