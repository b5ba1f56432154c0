/** Ingest: signed webhooks against bare HTTP, the plain receiver and the gateway, in turns. */

const { mkdirSync } = require('node:fs');
const { join } = require('node:path');
const { SECRET, startGateway } = require('../lib/gateway');
const { runScript, startPeer } = require('../lib/peer-process');
const { medians } = require('../lib/statistics');
const { assertSurvivesKill } = require('./kill');
const { assertGrown, countRows } = require('./rows');

const LOAD = join(__dirname, 'load.js');
const CONNECTIONS = [1, 64, 256];
/** Messages are signed before the time begins: for each run half as many again as the peer has ever answered in the time. */
const RESERVE = 1.5;
const FIRST_GUESS_PER_SECOND = 10_000;

const PEERS = [
  { name: 'bare', start: (folder, options) => startScript('bare', folder, options), stores: false },
  {
    name: 'plain',
    start: (folder, options) => startScript('plain', folder, options),
    stores: true,
  },
  { name: 'gateway', start: startGateway, stores: true },
];

function startScript(name, folder, options = {}) {
  const command = [process.execPath, join(__dirname, `${name}.js`)];
  return startPeer({ name, command, env: { SECRET, DATA_DIR: folder }, folder, ...options });
}

/** @returns `{ [peer]: { [connections]: { perSecond, p50, p99, flushes } } }`, medians. */
async function measureIngest({ folder, repetitions, seconds, note }) {
  const subjects = [];
  for (const peer of PEERS) subjects.push(await begin(peer, join(folder, 'ingest', peer.name)));

  const runs = [];
  for (const subject of subjects) await send(subject, 64, seconds); // warms up
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const connections of CONNECTIONS) {
      for (const subject of subjects) {
        const run = await send(subject, connections, seconds);
        runs.push({ peer: subject.peer.name, connections, ...run });
        note(
          `ingest ${subject.peer.name} × ${connections}: ${Math.round(run.perSecond)}/s, p99 ${run.p99.toFixed(1)} ms`,
        );
      }
    }
  }
  for (const subject of subjects) {
    await assertRepeatsAreKnown(subject);
    await subject.process.stop();
  }

  await assertSurvivesKill({ folder: join(folder, 'killed'), note });

  const flushes = {};
  for (const peer of PEERS.filter(({ stores }) => stores)) {
    flushes[peer.name] = await countFlushes(
      peer,
      join(folder, 'flushes', peer.name),
      seconds,
    ).catch((error) => {
      note(`flushes of ${peer.name} are not counted: ${error.message}`);
      return {};
    });
  }
  return summarize(runs, flushes);
}

async function begin(peer, folder, options) {
  mkdirSync(folder, { recursive: true });
  const process = await peer.start(folder, options);
  const before = peer.stores ? await countRows(folder) : undefined;
  return { peer, folder, process, before, sent: 0, fastest: FIRST_GUESS_PER_SECOND };
}

/** Sends what was not sent before, and counts that every row is there once. */
async function send(subject, connections, seconds) {
  const count = Math.ceil(subject.fastest * RESERVE * seconds);
  const { port } = subject.process;
  const run = await runScript(LOAD, {
    port,
    secret: SECRET,
    first: subject.sent,
    count,
    connections,
    seconds,
  });
  subject.sent += run.sent;
  subject.fastest = Math.max(
    subject.fastest === FIRST_GUESS_PER_SECOND ? 0 : subject.fastest,
    run.perSecond,
  );
  await assertCounts(subject);
  return run;
}

async function assertCounts({ peer, folder, sent, before }) {
  if (peer.stores) await assertGrown(folder, before, sent);
}

/** A duplicate delivery adds no row. */
async function assertRepeatsAreKnown(subject) {
  const { port } = subject.process;
  await runScript(LOAD, {
    port,
    secret: SECRET,
    first: 0,
    count: 100,
    connections: 16,
    seconds: 10,
  });
  await assertCounts(subject);
}

/** Apart from the timed runs, since tracing costs time. */
async function countFlushes(peer, folder, seconds) {
  const subject = await begin(peer, folder, { countFlushes: true });
  const perRequest = {};
  await send(subject, 64, seconds / 2);
  for (const connections of CONNECTIONS) {
    const flushesBefore = subject.process.flushes();
    const { sent } = await send(subject, connections, seconds);
    perRequest[connections] = (subject.process.flushes() - flushesBefore) / sent;
  }
  await subject.process.stop();
  return perRequest;
}

function summarize(runs, flushes) {
  const byPeer = PEERS.map(({ name }) => {
    const byConnections = CONNECTIONS.map((connections) => {
      const own = runs.filter((run) => run.peer === name && run.connections === connections);
      return [connections, { ...medians(own), flushes: flushes[name]?.[connections] }];
    });
    return [name, Object.fromEntries(byConnections)];
  });
  return Object.fromEntries(byPeer);
}

module.exports = { measureIngest };
