/** Kills the gateway in the middle of a load: what it had answered is there once, and what is sent again adds nothing. */

const { mkdirSync } = require('node:fs');
const { join } = require('node:path');
const { openDatabase } = require('../lib/database');
const { SECRET, startGateway } = require('../lib/gateway');
const { runScript } = require('../lib/peer-process');
const { assertGrown, countRows } = require('./rows');

const LOAD = join(__dirname, 'load.js');
const COUNT = 50_000;
const CONNECTIONS = 64;
const KILLED_AFTER_MS = 1_500;

async function assertSurvivesKill({ folder, note }) {
  mkdirSync(folder, { recursive: true });
  const gateway = await startGateway(folder);
  const before = await countRows(folder);
  const messages = { secret: SECRET, first: 0, count: COUNT, connections: CONNECTIONS };
  const loading = runScript(LOAD, { ...messages, port: gateway.port, seconds: 30, mayClose: true });
  await new Promise((resolve) => setTimeout(resolve, KILLED_AFTER_MS));
  await gateway.kill();
  const { sent, acknowledged } = await loading;

  const again = await startGateway(folder);
  const kept = await keptAmong(folder, acknowledged);
  if (acknowledged.length === 0 || sent === COUNT)
    throw new Error('the kill was not in the middle');
  if (kept !== acknowledged.length) {
    throw new Error(`${acknowledged.length} messages were acknowledged, ${kept} are there`);
  }
  await runScript(LOAD, { ...messages, count: sent, port: again.port, seconds: 60 });
  await assertGrown(folder, before, sent);
  await again.stop();
  note(`ingest killed after ${kept} acknowledged messages: all there, none twice`);
}

async function keptAmong(folder, deliveryIds) {
  const database = await openDatabase(join(folder, 'kyc.sqlite'));
  const [{ kept }] = await database.query(
    'SELECT count(*) AS kept FROM deliveries WHERE id IN (SELECT value FROM json_each(?))',
    [JSON.stringify(deliveryIds)],
  );
  await database.close();
  return kept;
}

module.exports = { assertSurvivesKill };
