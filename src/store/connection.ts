/** One database connection, as little of it as the store needs. */

import type { DataSource } from 'typeorm';

export type Parameter = string | number | boolean | Buffer | null;

export interface Connection {
  /** Runs one statement. Never start another one inside a transaction before this one has answered. */
  query<Row>(sql: string, parameters?: readonly Parameter[]): Promise<readonly Row[]>;
  /** Closing again does nothing. */
  close(): Promise<void>;
}

/** @param onQuery - Told of every statement, e.g. to count them. */
export function createConnection(
  dataSource: DataSource,
  onQuery: (sql: string) => void = () => {},
): Connection {
  return {
    async query(sql, parameters = []) {
      onQuery(sql);
      return await dataSource.query(sql, [...parameters]);
    },
    async close() {
      if (dataSource.isInitialized) await dataSource.destroy();
    },
  };
}
