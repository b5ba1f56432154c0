/**
 * Measures the effect of one user with many events on other users. Sends events of one user to a built gateway, over 16 connections, and now and
 * then one of another user; prints rate and latency per block. Runs on loopback, in a folder of its own.
 *
 * node bench/hot-user/run.js [--case events|levels|actions|bodies] [--count 10000] [--app DIR] [--port 4430] [--seconds 120]
 *   [--postgres postgres://USER:PASSWORD@HOST:PORT/DATABASE]
 *
 * Cases: `events` of one level; `levels`, each event at a level of its own; `actions`, two events about each of many actions at one
 * level; `bodies` of nearly 1 MiB. `--app` names the checkout whose `dist` is measured, to compare two versions. `--postgres` measures
 * on PostgreSQL instead of SQLite: the role must be allowed to create a database, which is dropped at the end.
 *
 * "alone" is the median latency of events of the hot user that are sent one at a time without other load: the cost of the next event.
 */

const { spawn } = require('node:child_process');
const { createHmac } = require('node:crypto');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const http = require('node:http');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { parseArgs } = require('node:util');
const { Client } = require('pg');

const { values } = parseArgs({
  options: {
    case: { type: 'string', default: 'events' },
    count: { type: 'string', default: '10000' },
    app: { type: 'string', default: join(__dirname, '../..') },
    port: { type: 'string', default: '4430' },
    seconds: { type: 'string', default: '120' },
    postgres: { type: 'string' },
  },
});
const COUNT = Number(values.count);
const CONNECTIONS = 16;
const SECRET = 'a-secret-of-the-bench-0123456789';
const START = Date.UTC(2024, 0, 1);
const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS + 1 });

function eventOf(index) {
  const decided = index % 2 === 1;
  const body = {
    applicantId: 'hot',
    inspectionId: 'inspection',
    correlationId: `req-${index}`,
    externalUserId: 'hot',
    levelName: values.case === 'levels' ? `level-${index}` : 'basic',
    type: `${values.case === 'actions' ? 'applicantAction' : 'applicant'}${decided ? 'Reviewed' : 'Pending'}`,
    ...(values.case === 'actions' && { applicantActionId: `action-${index >> 1}` }),
    reviewStatus: decided ? 'completed' : 'pending',
    createdAtMs: new Date(START + index * 1_000).toISOString().replace('T', ' ').replace('Z', ''),
    ...(decided && { reviewResult: { reviewAnswer: index % 4 === 1 ? 'RED' : 'GREEN' } }),
    ...(values.case === 'bodies' && { padding: 'x'.repeat(1000 * 1024) }),
  };
  return JSON.stringify(body);
}

function bystanderOf(index) {
  return JSON.stringify({
    ...JSON.parse(eventOf(0)),
    padding: '',
    levelName: 'basic',
    applicantId: `by-${index}`,
    externalUserId: `by-${index}`,
  });
}

function post(body) {
  const startedAt = performance.now();
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-payload-digest': createHmac('sha256', SECRET).update(body).digest('hex'),
    'x-payload-digest-alg': 'HMAC_SHA256_HEX',
  };
  return new Promise((resolve, reject) => {
    const options = { port: values.port, method: 'POST', path: '/webhooks/sumsub', headers, agent };
    const request = http.request(options, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`));
        else resolve(performance.now() - startedAt);
      });
    });
    request.on('error', reject).end(body);
  });
}

/** Creates a database on the server of `--postgres`. Returns its URL and how to drop it. */
async function createDatabase() {
  if (values.postgres === undefined) return { url: undefined, drop: async () => {} };
  const name = `kyc_hot_${process.pid}`;
  const url = new URL(values.postgres);
  url.pathname = `/${name}`;
  const run = async (sql) => {
    const client = new Client({ connectionString: values.postgres });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await run(`CREATE DATABASE ${name}`);
  return { url: url.href, drop: () => run(`DROP DATABASE ${name} WITH (FORCE)`) };
}

const quantile = (times, q) =>
  Math.round([...times].sort((a, b) => a - b)[Math.floor(q * times.length)] ?? 0);

const median = (times) => [...times].sort((a, b) => a - b)[times.length >> 1].toFixed(1);

async function ready() {
  for (let tries = 0; tries < 300; tries += 1) {
    const ok = await fetch(`http://127.0.0.1:${values.port}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the gateway does not start');
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'kyc-hot-'));
  const database = await createDatabase();
  const env = {
    PATH: process.env.PATH,
    PORT: values.port,
    DATA_DIR: folder,
    WEBHOOK_SECRETS_SUMSUB: SECRET,
    LOG_LEVEL: 'error',
    NODE_ENV: 'development',
    ...(database.url !== undefined && { DATABASE_URL: database.url }),
  };
  const args = ['--max-old-space-size=2048', 'dist/src/cli/main.js', 'start'];
  const gateway = spawn(process.execPath, args, {
    cwd: values.app,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const rss = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))[1]) >> 10;
  try {
    await ready();
    const quiet = [];
    for (let index = 0; index < 100; index += 1)
      quiet.push(await post(bystanderOf(`quiet-${index}`)));
    console.log(`quiet: p50 ${quantile(quiet, 0.5)} ms, p99 ${quantile(quiet, 0.99)} ms`);
    const end = Date.now() + Number(values.seconds) * 1_000;
    const block = Math.max(1, Math.ceil(COUNT / 10));
    // A short block first, so that the cost of the first events can be compared with that of the last.
    const ends = [Math.min(100, block), ...Array.from({ length: 10 }, (_, n) => (n + 1) * block)];
    let next = 0;
    for (const last of new Set(ends.map((at) => Math.min(at, COUNT)))) {
      if (Date.now() >= end) break;
      const first = next;
      let busy = true;
      const beside = [];
      const bystander = (async () => {
        for (let index = 0; busy; index += 1)
          beside.push(await post(bystanderOf(`${first}-${index}`)));
      })();
      const startedAt = performance.now();
      const send = async () => {
        while (next < last && Date.now() < end) {
          next += 1;
          await post(eventOf(next - 1));
        }
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, send));
      const seconds = (performance.now() - startedAt) / 1_000;
      const rate = Math.round((next - first) / seconds);
      busy = false;
      await bystander;
      const alone = [];
      for (let index = 0; index < 20; index += 1) {
        alone.push(await post(eventOf(next)));
        next += 1;
      }
      console.log(
        `${next} ${values.case}: ${rate}/s; alone ${median(alone)} ms; bystander p50 ${quantile(beside, 0.5)} ms, p99 ${quantile(beside, 0.99)} ms; ${rss()} MiB`,
      );
    }
  } finally {
    gateway.kill();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
