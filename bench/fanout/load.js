/** Load process of the fan-out bench: all subscribers and the publisher. Prints the received items and latencies. */

const { readFileSync } = require('node:fs');
const { layOut, load } = require('../lib/http-load');
const { readInput } = require('../lib/peer-process');
const { percentile } = require('../lib/statistics');
const { subscribe } = require('../lib/subscriber');
const { bodyOf, externalUserIdOf, signedRequest, signedRequests } = require('../ingest/requests');
const { eventOf, QUERY } = require('./events');

/** Subscribers that are opened at a time. */
const OPENING = 100;
/** Lets subscriptions open, and memory come to rest. */
const SETTLE_MS = 2_000;
const PATIENCE_MS = 60_000;
const PUBLISHERS = 16;

const input = readInput();
const { port, pid, secret, authorization, subscribers, following, events, seconds } = input;
/** Subscribers take turns with these. */
const { ports = [port] } = input;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const residentBytes = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
const fail = (error) => {
  console.error(error);
  process.exit(1);
};

const revisions = new Map();
/** Triggers one event for this user: a webhook, or a published event for peers without ingest. */
function nextEvent(number) {
  const revision = (revisions.get(number) ?? 0) + 1;
  revisions.set(number, revision);
  if (secret !== undefined) return signedRequest(bodyOf(number, revision), secret);
  return layOut({
    path: '/publish',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(eventOf(externalUserIdOf(number), revision)),
  });
}

let received = 0;
let arrived = () => {};
/** By number of the subscriber: who waits for its next item. */
const waiting = new Map();

async function open() {
  const numbers = Array.from({ length: subscribers }, (_, index) => index);
  for (let first = 0; first < subscribers; first += OPENING) {
    await Promise.all(
      numbers.slice(first, first + OPENING).map((number) => {
        const filter =
          following === 'own' ? { externalUserId: externalUserIdOf(number) } : undefined;
        const onNext = () => {
          received += 1;
          waiting.get(number)?.(performance.now());
          arrived();
        };
        return subscribe({
          port: ports[number % ports.length],
          authorization,
          query: QUERY,
          variables: { filter },
          onNext,
          onError: fail,
        });
      }),
    );
  }
  await pause(SETTLE_MS);
}

function untilReceived(count) {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(
      () => reject(new Error(`expected ${count} items, got ${received}`)),
      PATIENCE_MS,
    );
    arrived = () => {
      if (received < count) return;
      clearTimeout(patience);
      arrived = () => {};
      resolve();
    };
    arrived();
  });
}

/** Every event to every subscriber, one event after the other, without waiting for subscribers in between. */
async function broadcast() {
  const send = async (count) => {
    const before = received;
    const requests = Array.from({ length: count }, () => nextEvent(0));
    const startedAt = performance.now();
    await load({ port, requests, connections: 1, seconds: PATIENCE_MS / 1000 });
    await untilReceived(before + count * subscribers);
    return (count * subscribers) / ((performance.now() - startedAt) / 1000);
  };
  await send(Math.ceil(events / 4)); // warms up
  const perSecond = await send(events);
  await pause(200);
  const expected = (events + Math.ceil(events / 4)) * subscribers;
  if (received !== expected) throw new Error(`expected ${expected} items, got ${received}`);
  return { perSecond };
}

/** Each event to the one subscriber that follows its user. */
async function single() {
  const latencies = [];
  const sendOne = async (number) => {
    const receipt = new Promise((resolve) => waiting.set(number, resolve));
    await load({
      port,
      requests: [nextEvent(number)],
      connections: 1,
      seconds: PATIENCE_MS / 1000,
    });
    const answeredAt = performance.now();
    const receivedAt = await receipt;
    waiting.delete(number);
    latencies.push(Math.max(0, receivedAt - answeredAt));
  };
  let next = 0;
  /** Far apart, and no subscriber twice at a time. */
  const pick = () => (next++ * 7919) % subscribers;
  const sendFor = async (time) => {
    const endsAt = performance.now() + time * 1000;
    while (performance.now() < endsAt) await sendOne(pick());
  };
  await sendFor(seconds / 2); // warms up
  latencies.length = 0;
  await sendFor(seconds);
  const p99 = percentile(latencies, 0.99);
  const p50 = percentile(latencies, 0.5);

  latencies.length = 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: PUBLISHERS }, () => sendFor(seconds)));
  const perSecond = latencies.length / ((performance.now() - startedAt) / 1000);
  return { p50, p99, perSecond };
}

async function main() {
  if (secret !== undefined) await makeUsers();
  const before = residentBytes();
  await open();
  const bytesPerSubscriber = (residentBytes() - before) / subscribers;
  const seen = following === 'own' ? await single() : await broadcast();
  console.log(JSON.stringify({ ...seen, bytesPerSubscriber }));
  process.exit(0);
}

/** Users that are followed are known before, as they are where the bench is real. */
async function makeUsers() {
  const count = following === 'own' ? subscribers : 1;
  await load({
    port,
    requests: signedRequests(0, count, secret),
    connections: 32,
    seconds: PATIENCE_MS / 1000,
  });
  await pause(SETTLE_MS / 2);
}

main().catch(fail);
