/** Profile of the gateway under each load: CPU time by layer. Runs separately from the timed runs. */

const { mkdirSync } = require('node:fs');
const { join } = require('node:path');
const { generate } = require('../dataset/generate');
const { createApiKey, PROGRAM, SECRET, startGateway } = require('../lib/gateway');
const { runScript } = require('../lib/peer-process');
const { createVariables, QUESTIONS } = require('../queries/documents');
const { readProfiles } = require('./layers');

const ASK = join(__dirname, '../queries/load.js');
const SEND = join(__dirname, '../ingest/load.js');
const MOST_PER_SECOND = 15_000;
const FIRST_MESSAGE = 30_000_000;

/** @returns `{ [load]: { [layer]: share } }`, shares of the processor time that JavaScript threads took. */
async function measureProfile({ folder, seconds, note }) {
  const home = join(folder, 'profile');
  const variables = await createVariables(await generate(home, 1, note));
  const authorization = `Bearer ${createApiKey(home)}`;
  let first = FIRST_MESSAGE;

  const loads = {
    async 'ingest × 64'(port) {
      const count = MOST_PER_SECOND * seconds;
      const run = { port, secret: SECRET, first, count, connections: 64, seconds };
      first += count;
      await runScript(SEND, run);
    },
  };
  for (const question of QUESTIONS) {
    loads[question] = (port) =>
      runScript(ASK, {
        port,
        question,
        variables: variables[question],
        authorization,
        connections: 32,
        seconds,
      });
  }

  const byLoad = {};
  for (const [name, load] of Object.entries(loads)) {
    const profiles = join(folder, `profiles-${Object.keys(byLoad).length}`);
    mkdirSync(profiles);
    const flags = ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
    const gateway = await startGateway(home, {
      command: [process.execPath, ...flags, PROGRAM, 'start'],
    });
    await load(gateway.port); // warms up
    await load(gateway.port);
    await gateway.stop();
    byLoad[name] = readProfiles(profiles, seconds);
    note(`profiled ${name}`);
  }
  return byLoad;
}

module.exports = { measureProfile };
