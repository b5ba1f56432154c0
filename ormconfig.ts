/** Hands the TypeORM command line a DataSource; nothing else imports it. */

import { loadDatabaseConfig } from './src/config/load-config';
import { createDataSource } from './src/store/data-source';

export default createDataSource(loadDatabaseConfig());
