/** Every test file of this run gets its databases from PostgreSQL. */

process.env.TEST_ENGINE = 'postgres';
