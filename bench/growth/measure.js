/** Growth bench: compares the gateway on the standard database with itself on ten times the rows, and measures the start time. */

const { join } = require('node:path');
const { generate } = require('../dataset/generate');
const { assertGrown, countRows } = require('../ingest/rows');
const { createApiKey, SECRET, startGateway } = require('../lib/gateway');
const { runScript } = require('../lib/peer-process');
const { median } = require('../lib/statistics');
const { createVariables, QUESTIONS } = require('../queries/documents');

const ASK = join(__dirname, '../queries/load.js');
const SEND = join(__dirname, '../ingest/load.js');
const SCALES = [1, 10];
const QUESTION_CONNECTIONS = 32;
const INGEST_CONNECTIONS = 64;
const MOST_PER_SECOND = 15_000;
/** Webhooks about users that the generator did not make. */
const FIRST_MESSAGE = 20_000_000;

/** @returns `{ startupMs, [scale]: { q1, q2, q3, ingest } }`: medians of rates. */
async function measureGrowth({ folder, repetitions, seconds, quick, note }) {
  const subjects = [];
  const startups = [];
  for (const scale of quick ? [1, 2] : SCALES) {
    const home = join(folder, `growth-${scale}`);
    const variables = await createVariables(await generate(home, scale, note));
    const authorization = `Bearer ${createApiKey(home)}`;
    const gateway = await startGateway(home);
    if (scale === 1) startups.push(gateway.startupMs);
    subjects.push({
      scale,
      home,
      variables,
      authorization,
      gateway,
      sent: 0,
      before: await countRows(home),
    });
  }

  const runs = [];
  for (const question of [...QUESTIONS, 'ingest']) {
    for (const subject of subjects) await measure(subject, question, seconds / 2); // warms up
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      for (const subject of subjects) {
        const { perSecond } = await measure(subject, question, seconds);
        runs.push({ scale: subject.scale, question, perSecond });
        note(`growth × ${subject.scale} ${question}: ${Math.round(perSecond)}/s`);
      }
    }
  }
  const [{ home }] = subjects;
  for (const subject of subjects) {
    await assertGrown(subject.home, subject.before, subject.sent);
    await subject.gateway.stop();
  }
  for (let repetition = 0; repetition < 2; repetition += 1) {
    const again = await startGateway(home);
    startups.push(again.startupMs);
    await again.stop();
  }
  note(`start to first answer: ${startups.map(Math.round).join(', ')} ms`);
  return { startupMs: median(startups), ...summarize(runs) };
}

async function measure(subject, question, seconds) {
  const { port } = subject.gateway;
  if (question === 'ingest') {
    const count = Math.ceil(MOST_PER_SECOND * seconds);
    const run = await runScript(SEND, {
      port,
      secret: SECRET,
      first: FIRST_MESSAGE + subject.sent,
      count,
      connections: INGEST_CONNECTIONS,
      seconds,
    });
    subject.sent += run.sent;
    return run;
  }
  const { authorization, variables } = subject;
  return runScript(ASK, {
    port,
    question,
    variables: variables[question],
    authorization,
    connections: QUESTION_CONNECTIONS,
    seconds,
  });
}

function summarize(runs) {
  const rates = {};
  for (const { scale, question } of runs) {
    const own = runs.filter((run) => run.scale === scale && run.question === question);
    rates[scale] = { ...rates[scale], [question]: median(own.map(({ perSecond }) => perSecond)) };
  }
  return { rates };
}

module.exports = { measureGrowth };
