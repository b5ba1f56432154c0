/** Store configuration for tests, for any database. */

import { DEFAULT_POLICY } from '../../src/domain/policy';
import type { DatabaseConfig } from '../../src/store/database/options';
import type { StoreConfig } from '../../src/store/open-store';

export function storeConfigOf(
  database: DatabaseConfig,
  changed: Partial<StoreConfig> = {},
): StoreConfig {
  return {
    database,
    dataKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
    policy: DEFAULT_POLICY,
    acceptSandbox: true,
    ...changed,
  };
}
