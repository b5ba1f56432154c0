/** DataSource for the TypeORM command line. Nothing else imports it. */

import { loadDatabaseConfig } from './src/config/load-config';
import { createDataSource } from './src/store/data-source';

export default createDataSource(loadDatabaseConfig());
