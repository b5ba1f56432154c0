/** A few promises over one sqlite3 connection, with its statements kept prepared: for generator, checks and peers without TypeORM. */

const { gatewayRequire } = require('./gateway-modules');
const sqlite3 = gatewayRequire('sqlite3');

async function openDatabase(file, mode = sqlite3.OPEN_READONLY) {
  const database = await new Promise((resolve, reject) => {
    const opened = new sqlite3.Database(file, mode, (error) =>
      error ? reject(error) : resolve(opened),
    );
  });
  const statements = new Map();

  return {
    async query(sql, parameters = []) {
      let statement = statements.get(sql);
      if (statement === undefined) {
        statement = database.prepare(sql);
        statements.set(sql, statement);
      }
      return await new Promise((resolve, reject) => {
        statement.all(parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
      });
    },
    async close() {
      for (const statement of statements.values())
        await new Promise((resolve) => statement.finalize(resolve));
      await new Promise((resolve, reject) =>
        database.close((error) => (error ? reject(error) : resolve())),
      );
    },
  };
}

module.exports = { openDatabase, sqlite3 };
