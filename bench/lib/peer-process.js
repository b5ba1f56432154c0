/** Starts and ends what is measured: each peer is a process of its own, on a free port of the loopback interface. */

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { openSync, readFileSync } = require('node:fs');
const { createServer } = require('node:net');
const { join } = require('node:path');

const START_TIMEOUT_MS = 60_000;

/** Every process that was started and has not ended, so that none outlives the bench. */
const running = new Set();

/**
 * @param options.command - Program and arguments; gets `PORT` in its environment.
 * @param options.readyPath - Answers 200 once the peer can be measured.
 * @param options.folder - Its working directory; what it prints goes to `peer.log` there.
 * @param options.countFlushes - Run it under strace, if there is one, and note each flush.
 */
async function startPeer({ name, command, env = {}, readyPath = '/', folder, countFlushes }) {
  const port = await freePort();
  const flushFile = join(folder, 'flushes.log');
  const tracer = [
    'strace',
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-e',
    'trace=fsync,fdatasync',
    '-e',
    'signal=none',
    '-o',
    flushFile,
  ];
  const [program, ...args] = countFlushes ? [...tracer, ...command] : command;
  const log = openSync(join(folder, 'peer.log'), 'a');
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      ...env,
      PORT: String(port),
    },
    stdio: ['ignore', log, log],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const startedAt = performance.now();
  await untilReady(
    child,
    `http://127.0.0.1:${port}${readyPath}`,
    `${name}: see ${folder}/peer.log`,
  );

  return {
    name,
    port,
    pid: child.pid,
    folder,
    startupMs: performance.now() - startedAt,
    flushes() {
      return readFileSync(flushFile, 'utf8')
        .split('\n')
        .filter((line) => /(fsync|fdatasync)\(.*= 0$|<\.\.\. f.*sync resumed>/.test(line)).length;
    },
    /** Without a chance to tidy up. */
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // strace does not forward signals, so the peer gets the signal directly.
      process.kill(countFlushes ? childOf(child.pid) : child.pid, 'SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await once(child, 'exit');
      clearTimeout(patience);
    },
  };
}

function childOf(pid) {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

async function untilReady(child, url, whatFailed) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`ended at its start: ${whatFailed}`);
    if (Date.now() > deadline) throw new Error(`did not get ready: ${whatFailed}`);
    const ready = await fetch(url).then(
      (response) => response.text().then(() => response.ok),
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Runs a script of the bench to its end and answers what it printed as JSON. */
async function runScript(file, input, args = []) {
  const child = spawn(process.execPath, [...args, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.stdin.end(JSON.stringify(input));
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return JSON.parse(output);
}

/** Options that `runScript` passed to this script. */
function readInput() {
  return JSON.parse(readFileSync(0, 'utf8'));
}

function endAll() {
  for (const child of running) child.kill('SIGKILL');
}

module.exports = { endAll, readInput, runScript, startPeer };
