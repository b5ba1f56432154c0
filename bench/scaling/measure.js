/** Several gateways on one PostgreSQL: webhooks per second with 1, 2 and 4 of them, and pushes from one to subscribers of two. */

const { randomBytes } = require('node:crypto');
const { mkdirSync } = require('node:fs');
const { join } = require('node:path');
const { gatewayRequire } = require('../lib/gateway-modules');
const { createApiKey, SECRET, startGateway } = require('../lib/gateway');
const { runScript } = require('../lib/peer-process');
const { median, medians } = require('../lib/statistics');

const { Client } = gatewayRequire('pg');
const SEND = join(__dirname, '../ingest/load.js');
const FOLLOW = join(__dirname, '../fanout/load.js');
/** A server on which databases may be made. */
const SERVER = process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const REDIS_URL = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379';
const INSTANCES = [1, 2, 4];
const CONNECTIONS = 64;
const MOST_PER_SECOND = 6_000;
const EVENTS = 12;
/** For the load processes to start, and to sign what they will send. */
const PREPARATION_MS = 3_000;

/** @returns `{ ingest: { [instances]: { perSecond, p99 } }, fanout: { [instances]: { perSecond, p99 } } }`, medians. */
async function measureScaling({ folder, repetitions, seconds, subscribers, note }) {
  const ingest = {};
  const fanout = {};
  for (const instances of INSTANCES) {
    const runs = await onInstances(
      instances,
      join(folder, `ingest-${instances}`),
      async (peers) => {
        const measured = [];
        for (let repetition = 0; repetition <= repetitions; repetition += 1) {
          const run = await send(peers, repetition, seconds);
          if (repetition > 0) measured.push(run); // the first warms up
        }
        return measured;
      },
    );
    ingest[instances] = medians(runs);
    note(`scaling ingest × ${instances}: ${Math.round(ingest[instances].perSecond)}/s`);
  }
  for (const instances of [1, 2]) {
    const runs = [];
    for (const following of ['everybody', 'own']) {
      const home = join(folder, `fanout-${instances}-${following}`);
      runs.push(
        await onInstances(instances, home, (peers, authorization) =>
          runScript(FOLLOW, {
            port: peers[0].port,
            ports: peers.map(({ port }) => port),
            pid: peers[0].pid,
            secret: SECRET,
            authorization,
            following,
            subscribers: subscribers / 5,
            events: EVENTS,
            seconds: seconds / 2,
          }),
        ),
      );
    }
    const [broadcast, own] = runs;
    fanout[instances] = { perSecond: broadcast.perSecond, p50: own.p50, p99: own.p99 };
    note(
      `scaling fanout × ${instances}: ${Math.round(broadcast.perSecond)}/s, p99 ${own.p99.toFixed(1)} ms`,
    );
  }
  return { ingest, fanout };
}

/** The server may have been set up with another encoding. */
const EMPTY = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";

/** Runs `work` on gateways that have a new database to themselves. */
async function onInstances(count, home, work) {
  const name = `kyc_bench_${randomBytes(6).toString('hex')}`;
  await onServer((server) => server.query(`CREATE DATABASE ${name} ${EMPTY}`));
  const url = Object.assign(new URL(SERVER), { pathname: `/${name}` }).toString();
  const settings = { DATABASE_URL: url, REDIS_URL };
  const peers = [];
  try {
    for (let index = 0; index < count; index += 1) {
      const folder = join(home, String(index));
      mkdirSync(folder, { recursive: true });
      peers.push(await startGateway(folder, { settings }));
    }
    const sent = await work(peers, `Bearer ${createApiKey(join(home, '0'), settings)}`);
    await assertSound(url);
    return sent;
  } finally {
    for (const peer of peers) await peer.stop();
    await onServer((server) => server.query(`DROP DATABASE ${name} WITH (FORCE)`));
  }
}

/** The same connections in all, shared out. */
async function send(peers, repetition, seconds) {
  const count = Math.ceil((MOST_PER_SECOND * seconds * 2) / peers.length);
  const startAt = Date.now() + PREPARATION_MS;
  const runs = await Promise.all(
    peers.map(({ port }, index) =>
      runScript(SEND, {
        port,
        secret: SECRET,
        first: (repetition * peers.length + index) * count,
        count,
        connections: CONNECTIONS / peers.length,
        seconds,
        startAt,
      }),
    ),
  );
  return {
    perSecond: runs.reduce((sum, run) => sum + run.perSecond, 0),
    p50: median(runs.map(({ p50 }) => p50)),
    p99: Math.max(...runs.map(({ p99 }) => p99)),
  };
}

/** No delivery twice, and no gap in the log. */
async function assertSound(url) {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(
      `SELECT (SELECT count(*) - count(DISTINCT duplicate_key) FROM deliveries)::int AS doubled,
        (SELECT coalesce(max(id), 0) - count(*) FROM changes)::int AS gaps`,
    );
    const [{ doubled, gaps }] = rows;
    if (doubled !== 0 || gaps !== 0) throw new Error(`${doubled} doubled, ${gaps} gaps`);
  } finally {
    await client.end();
  }
}

async function onServer(work) {
  const server = new Client({ connectionString: SERVER });
  await server.connect();
  try {
    await work(server);
  } finally {
    await server.end();
  }
}

module.exports = { measureScaling };
