/** Fan-out: status changes to many subscribers, by a prebuilt frame, stock graphql-ws, type-graphql and the gateway, in turns. */

const { mkdirSync } = require('node:fs');
const { join } = require('node:path');
const { createApiKey, SECRET, startGateway } = require('../lib/gateway');
const { runScript, startPeer } = require('../lib/peer-process');
const { medians } = require('../lib/statistics');

const LOAD = join(__dirname, 'load.js');
/** Events that every subscriber receives. The first quarter is the warm-up. */
const EVENTS = 12;
/** Peers with a goal for pushes to one subscriber. */
const WITH_OWN = new Set(['frame', 'gateway']);
const PEERS = ['frame', 'stock', 'topic-filter', 'gateway'];

/** @returns `{ [peer]: { broadcast, own, fewer } }`, medians; `fewer` is `own` with a tenth of the subscribers. */
async function measureFanout({ folder, repetitions, seconds, subscribers, note }) {
  const runs = [];
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const name of PEERS) {
      const run = async (what, options) => {
        const home = join(folder, `fanout-${name}-${what}-${repetition}`);
        const result = await measureOne(name, home, options);
        runs.push({ peer: name, what, ...result });
        const memory = `${(result.bytesPerSubscriber / 1024).toFixed(1)} KiB per subscriber`;
        note(
          `fanout ${name} ${what} × ${options.subscribers}: ${Math.round(result.perSecond)}/s, p99 ${result.p99?.toFixed(2) ?? '–'} ms, ${memory}`,
        );
      };
      await run('broadcast', { following: 'everybody', subscribers, events: EVENTS });
      if (!WITH_OWN.has(name)) continue;
      await run('own', { following: 'own', subscribers, seconds: seconds / 2 });
      if (name === 'frame') continue;
      await run('fewer', { following: 'own', subscribers: subscribers / 10, seconds: seconds / 2 });
    }
  }
  return summarize(runs);
}

/** A process of its own for each run, so that memory begins low. */
async function measureOne(name, home, options) {
  mkdirSync(home, { recursive: true });
  const gateway = name === 'gateway';
  const peer = gateway
    ? await startGateway(home)
    : await startPeer({
        name,
        command: [process.execPath, join(__dirname, `${name}.js`)],
        folder: home,
      });
  const credentials = gateway
    ? { secret: SECRET, authorization: `Bearer ${createApiKey(home)}` }
    : {};
  const result = await runScript(LOAD, {
    port: peer.port,
    pid: peer.pid,
    ...credentials,
    ...options,
  });
  await peer.stop();
  return result;
}

function summarize(runs) {
  const byPeer = PEERS.map((name) => {
    const byWhat = ['broadcast', 'own', 'fewer'].flatMap((what) => {
      const own = runs.filter((run) => run.peer === name && run.what === what);
      if (own.length === 0) return [];
      return [[what, medians(own, ['perSecond', 'p50', 'p99', 'bytesPerSubscriber'])]];
    });
    return [name, Object.fromEntries(byWhat)];
  });
  return Object.fromEntries(byPeer);
}

module.exports = { measureFanout };
