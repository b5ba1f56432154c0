/** Counts what is stored, so that no run counts in which a message was lost or stored twice. */

const { join } = require('node:path');
const { openDatabase } = require('../lib/database');

/** Tables in which each message, being about a user of its own, makes one row. */
const TABLES = ['deliveries', 'users', 'attempts', 'user_levels', 'changes'];

/** Rows by table of the database in this folder. */
async function countRows(folder) {
  const database = await openDatabase(join(folder, 'kyc.sqlite'));
  const counts = TABLES.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`);
  const [rows] = await database.query(`SELECT ${counts.join(', ')}`);
  await database.close();
  return rows;
}

/** @param before - Counts before `sent` messages were taken. */
async function assertGrown(folder, before, sent) {
  const after = await countRows(folder);
  const wrong = TABLES.filter((table) => after[table] - before[table] !== sent);
  if (wrong.length === 0) return;
  const counts = wrong.map((table) => `${table} by ${after[table] - before[table]}`);
  throw new Error(`${folder}: ${sent} messages were taken, but rows grew: ${counts.join(', ')}`);
}

module.exports = { assertGrown, countRows };
