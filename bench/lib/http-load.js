/**
 * Load over HTTP/1.1: a fixed number of keep-alive connections, each sending its next request when the last is answered.
 * Bare sockets and requests laid out beforehand, since `http.request` would cost more than what it measures and hide
 * the difference between the fastest peers.
 */

const { connect } = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const { percentile } = require('./statistics');

const END_OF_HEADERS = Buffer.from('\r\n\r\n');

/** The bytes of one request. */
function layOut({ method = 'POST', path, headers = {}, body = '' }) {
  const lines = Object.entries({
    host: '127.0.0.1',
    ...headers,
    'content-length': Buffer.byteLength(body),
  });
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.from(head + body);
}

/**
 * @param options.requests - Sent in turn, each once, or over and over with `cycle`.
 * @param options.seconds - Nothing new is sent afterwards; what is under way is awaited.
 * @param options.paceMs - Each connection's requests are due this far apart, and what is late counts as late: latency runs
 *   from when a request was due. Without it, the next request follows the answer.
 * @param options.startAt - When to begin, in milliseconds of the clock, so that two loads begin together; without it, now.
 * @param options.mayClose - The peer may go away: what it has answered until then counts.
 * @param options.onBody - Given each answer's body; slow, for checks.
 */
async function load(options) {
  const { requests, connections, seconds, cycle = false, startAt = 0 } = options;
  await sleep(Math.max(0, startAt - Date.now()));
  const latencies = [];
  let sent = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;

  const takeNext = () => {
    if (performance.now() >= endsAt) return undefined;
    if (!cycle && sent >= requests.length) return undefined;
    return requests[sent++ % requests.length];
  };
  await Promise.all(
    Array.from({ length: connections }, () => runConnection({ ...options, takeNext, latencies })),
  );
  const elapsed = (performance.now() - startedAt) / 1000;
  return {
    sent,
    perSecond: latencies.length / elapsed,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  };
}

function runConnection({ port, takeNext, latencies, onBody, paceMs = 0, mayClose = false }) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    let received = Buffer.alloc(0);
    let dueAt = performance.now() + Math.random() * paceMs;

    const sendNext = () => {
      const request = takeNext();
      if (request === undefined) {
        socket.end();
        return resolve();
      }
      if (paceMs === 0) dueAt = performance.now();
      socket.write(request);
    };

    const sendWhenDue = () => {
      const early = paceMs === 0 ? 0 : dueAt - performance.now();
      if (early < 1) sendNext();
      else setTimeout(sendNext, early);
    };

    socket.on('connect', sendWhenDue);
    socket.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const end = received.indexOf(END_OF_HEADERS);
      if (end < 0) return;
      const head = received.toString('latin1', 0, end);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head);
      if (length === null) return reject(new Error(`expected content-length in: ${head}`));
      const total = end + 4 + Number(length[1]);
      if (received.length < total) return;
      latencies.push(performance.now() - dueAt);
      const body = received.subarray(end + 4, total);
      if (!head.startsWith('HTTP/1.1 200'))
        return reject(new Error(`expected 200, got ${head}\n${body}`));
      onBody?.(body);
      received = Buffer.alloc(0);
      dueAt += paceMs;
      sendWhenDue();
    });
    socket.on('error', (error) => (mayClose ? resolve() : reject(error)));
    socket.on('close', () => {
      if (mayClose) resolve();
      else reject(new Error('the connection was closed before the answer was there'));
    });
  });
}

module.exports = { layOut, load };
