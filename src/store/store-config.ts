/** What of the configuration a store is opened with. */

import type { Config } from '../config';

export type StoreConfig = Pick<Config, 'database' | 'dataKeys' | 'policy' | 'acceptSandbox'> &
  Partial<Pick<Config, 'erasureHold'>>;
