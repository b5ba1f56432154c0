/**
 * Subscribers that wait for users who do not exist yet: `node fanout/waiting.js [subscribers]`, by default 10,000. Prints what
 * they cost the gateway at rest and under load, and how soon each gets its first item.
 */

const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createApiKey, SECRET, startGateway } = require('../lib/gateway');
const { load } = require('../lib/http-load');
const { endAll } = require('../lib/peer-process');
const { percentile } = require('../lib/statistics');
const { subscribe } = require('../lib/subscriber');
const { bodyOf, externalUserIdOf, signedRequest, signedRequests } = require('../ingest/requests');
const { QUERY } = require('./events');

/** Subscribers that are opened at a time. */
const OPENING = 100;
const SETTLE_MS = 5_000;
const SECONDS = 10;
/** Webhooks for new users without a waiting subscriber. */
const WEBHOOKS_PER_SECOND = 400;
const CONNECTIONS = 16;
const FIRST_ITEMS = 500;
/** As Linux counts processor time in `/proc/<pid>/stat`. */
const TICKS_PER_SECOND = 100;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function processorSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Processor seconds per second while `work` runs. */
async function costOf(pid, work) {
  const [before, startedAt] = [processorSeconds(pid), performance.now()];
  await work();
  return (processorSeconds(pid) - before) / ((performance.now() - startedAt) / 1000);
}

async function main(subscribers) {
  const folder = mkdtempSync(join(tmpdir(), 'kyc-bench-'));
  try {
    const gateway = await startGateway(folder, { settings: { SOCKETS_PER_ADDRESS: '20000' } });
    await measure(gateway, `Bearer ${createApiKey(folder)}`, subscribers);
  } finally {
    endAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure({ port, pid }, authorization, subscribers) {
  let nextStranger = subscribers;
  const busy = async () => {
    const count = WEBHOOKS_PER_SECOND * SECONDS;
    const requests = signedRequests(nextStranger, count, SECRET);
    nextStranger += count;
    const paceMs = (CONNECTIONS * 1000) / WEBHOOKS_PER_SECOND;
    await load({ port, requests, connections: CONNECTIONS, seconds: 2 * SECONDS, paceMs });
  };
  const rest = () => pause(SECONDS * 1000);
  for (let round = 0; round < 3; round += 1) await busy(); // warms up
  const without = { rest: await costOf(pid, rest), busy: await costOf(pid, busy) };

  const received = new Map();
  for (let first = 0; first < subscribers; first += OPENING) {
    const numbers = Array.from(
      { length: Math.min(OPENING, subscribers - first) },
      (_, i) => first + i,
    );
    await Promise.all(
      numbers.map((number) =>
        subscribe({
          port,
          authorization,
          query: QUERY,
          variables: { filter: { externalUserId: externalUserIdOf(number) } },
          onNext: () => received.get(number)?.(performance.now()),
          onError(error) {
            throw error;
          },
        }),
      ),
    );
  }
  await pause(SETTLE_MS);
  const waiting = { rest: await costOf(pid, rest), busy: await costOf(pid, busy) };

  const latencies = [];
  for (let index = 0; index < Math.min(FIRST_ITEMS, subscribers); index += 1) {
    const number = (index * 7919) % subscribers;
    const item = new Promise((resolve) => received.set(number, resolve));
    const requests = [signedRequest(bodyOf(number), SECRET)];
    await load({ port, requests, connections: 1, seconds: SECONDS });
    const answeredAt = performance.now();
    latencies.push(Math.max(0, (await item) - answeredAt));
  }
  const toFirstItem = { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
  console.log(JSON.stringify({ subscribers, without, waiting, toFirstItem }, null, 2));
}

main(Number(process.argv[2] ?? 10_000)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
