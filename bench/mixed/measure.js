/** Both at once: queries at half of what the gateway can answer, first in quiet, then while webhooks come in. */

const { join } = require('node:path');
const { generate } = require('../dataset/generate');
const { assertGrown, countRows } = require('../ingest/rows');
const { createApiKey, SECRET, startGateway } = require('../lib/gateway');
const { runScript } = require('../lib/peer-process');
const { medians } = require('../lib/statistics');
const { createVariables, QUESTIONS } = require('../queries/documents');

const ASK = join(__dirname, '../queries/load.js');
const SEND = join(__dirname, '../ingest/load.js');
const CONNECTIONS = 32;
const WEBHOOKS_PER_SECOND = 2_000;
const WEBHOOK_CONNECTIONS = 64;
const FIRST_MESSAGE = 20_000_000;
/** For the load processes to start, and to sign what they will send. */
const PREPARATION_MS = 2_500;

/** @returns `{ [question]: { quietP99, p99, ingestP99, ingestPerSecond } }`, medians. */
async function measureMixed({ folder, repetitions, seconds, note }) {
  const home = join(folder, 'mixed');
  const variables = await createVariables(await generate(home, 1, note));
  const authorization = `Bearer ${createApiKey(home)}`;
  const gateway = await startGateway(home);
  const { port } = gateway;
  const before = await countRows(home);
  let sent = 0;

  const ask = (question, paceMs, startAt) =>
    runScript(ASK, {
      port,
      question,
      variables: variables[question],
      authorization,
      connections: CONNECTIONS,
      seconds,
      paceMs,
      startAt,
    });
  const send = async (startAt) => {
    const paceMs = (WEBHOOK_CONNECTIONS / WEBHOOKS_PER_SECOND) * 1000;
    const count = WEBHOOKS_PER_SECOND * 2 * seconds;
    const run = await runScript(SEND, {
      port,
      secret: SECRET,
      first: FIRST_MESSAGE + sent,
      count,
      connections: WEBHOOK_CONNECTIONS,
      seconds,
      paceMs,
      startAt,
    });
    sent += run.sent;
    return run;
  };

  await send(); // warms up
  const byQuestion = {};
  for (const question of QUESTIONS) {
    await ask(question); // warms up
    const most = await ask(question);
    const paceMs = (CONNECTIONS / (most.perSecond / 2)) * 1000;
    const runs = [];
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      const quiet = await ask(question, paceMs);
      const startAt = Date.now() + PREPARATION_MS;
      const [busy, ingest] = await Promise.all([ask(question, paceMs, startAt), send(startAt)]);
      runs.push({
        quietP99: quiet.p99,
        p99: busy.p99,
        ingestP99: ingest.p99,
        ingestPerSecond: ingest.perSecond,
      });
      note(
        `mixed ${question}: p99 ${quiet.p99.toFixed(1)} ms in quiet, ${busy.p99.toFixed(1)} ms beside ${Math.round(ingest.perSecond)} webhooks/s (p99 ${ingest.p99.toFixed(1)} ms)`,
      );
    }
    byQuestion[question] = medians(runs, ['quietP99', 'p99', 'ingestP99', 'ingestPerSecond']);
  }
  await assertGrown(home, before, sent);
  await gateway.stop();
  return byQuestion;
}

module.exports = { measureMixed };
