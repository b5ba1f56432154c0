/** Queries: the same three questions to the stock stack, mercurius, hand-written statements and the gateway, in turns. */

const { deepStrictEqual } = require('node:assert');
const { mkdirSync } = require('node:fs');
const { join } = require('node:path');
const { generate } = require('../dataset/generate');
const { createApiKey, startGateway } = require('../lib/gateway');
const { load } = require('../lib/http-load');
const { runScript, startPeer } = require('../lib/peer-process');
const { medians } = require('../lib/statistics');
const { createVariables, questionRequests, QUESTIONS } = require('./documents');

const LOAD = join(__dirname, 'load.js');
const CONNECTIONS = 32;
/** Responses compared for each query. */
const COMPARED = 25;
const PEERS = ['stock', 'mercurius', 'statement'];

/** @returns `{ [peer]: { [question]: { perSecond, p50, p99 } } }`, medians. */
async function measureQueries({ folder, repetitions, seconds, scale = 1, note }) {
  const home = join(folder, `queries-${scale}`);
  const database = await generate(home, scale, note);
  const authorization = `Bearer ${createApiKey(home)}`;
  const variables = await createVariables(database);
  const peers = [];
  for (const name of PEERS) peers.push(await startScript(name, join(home, name), database));
  peers.push(await startGateway(home));
  await assertSameAnswers(peers, variables, authorization);

  const ask = (peer, question, time) => {
    const { port } = peer;
    return runScript(LOAD, {
      port,
      question,
      variables: variables[question],
      authorization,
      connections: CONNECTIONS,
      seconds: time,
    });
  };
  const runs = [];
  for (const question of QUESTIONS) {
    for (const peer of peers) await ask(peer, question, seconds / 2); // warms up
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      for (const peer of peers) {
        const run = await ask(peer, question, seconds);
        runs.push({ peer: peer.name, question, ...run });
        note(
          `${question} ${peer.name}: ${Math.round(run.perSecond)}/s, p99 ${run.p99.toFixed(1)} ms`,
        );
      }
    }
  }
  for (const peer of peers) await peer.stop();
  return summarize(runs, peers);
}

function startScript(name, folder, database) {
  mkdirSync(folder, { recursive: true });
  return startPeer({
    name,
    command: [process.execPath, join(__dirname, `${name}.js`)],
    env: { DATABASE: database },
    folder,
  });
}

/** Fails if a peer returns an error or a different response: it must not be measured. */
async function assertSameAnswers(peers, variables, authorization) {
  for (const question of QUESTIONS) {
    const step = Math.ceil(variables[question].length / COMPARED);
    const asked = variables[question].filter((_, index) => index % step === 0);
    const requests = questionRequests(question, asked, authorization);
    const answers = {};
    for (const { name, port } of peers) {
      answers[name] = [];
      const onBody = (body) => answers[name].push(JSON.parse(body));
      await load({ port, requests, connections: 1, seconds: 60, onBody });
    }
    for (const { name } of peers)
      deepStrictEqual(
        answers[name],
        answers.gateway,
        `${name} answers ${question} otherwise than the gateway`,
      );
    if (JSON.stringify(answers.gateway).includes('"errors"'))
      throw new Error(`${question}: ${JSON.stringify(answers.gateway[0])}`);
  }
}

function summarize(runs, peers) {
  const byPeer = peers.map(({ name }) => {
    const byQuestion = QUESTIONS.map((question) => {
      const own = runs.filter((run) => run.peer === name && run.question === question);
      return [question, medians(own)];
    });
    return [name, Object.fromEntries(byQuestion)];
  });
  return Object.fromEntries(byPeer);
}

module.exports = { measureQueries };
