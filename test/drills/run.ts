/** `npm run drill`: holds the drills against the built gateway and prints what they found. */

import 'reflect-metadata';
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../../src/cli/simulation/random';
import { DRILLS } from './drills';
import type { Drill } from './trial/drill';
import { ENGINES, type Engine, obstacleOf } from './trial/engine';
import { isSound, LEGEND, type Result, tellFaults, toTable } from './trial/table';

const BUILT_GATEWAY = join(__dirname, '../../dist/src/cli/main.js');
const USAGE = `Usage: npm run drill -- [--only <drill>…] [--engine <engine>] [--cycles <n>] [--posts <n>] [--away <seconds>] [--seed <n>]

  --only    hold this drill, and others named so; without it, all:
${DRILLS.map(({ name, about, engines }) => `            ${name.padEnd(20)}${about} (${engines.join(', ')})`).join('\n')}
  --engine  sqlite or postgres; without it, both
  --cycles  number of disturbances; default: set by each drill
  --posts   minimum number of webhooks per cycle; default: set by each drill
  --away    seconds for which a service is unavailable (60)
  --seed    repeats the random choices of an earlier run, not its timing`;

interface Options {
  readonly drills: readonly Drill[];
  readonly engines: readonly Engine[];
  readonly cycles: number | undefined;
  readonly posts: number | undefined;
  readonly awaySeconds: number;
  readonly seed: number;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) {
    print(USAGE);
    return process.argv.includes('--help') ? 0 : 1;
  }
  if (!existsSync(BUILT_GATEWAY)) throw new Error('the gateway is not built: npm run build');
  print(`Drills (--seed ${options.seed})\n`);

  const results: Result[] = [];
  for (const drill of options.drills) {
    for (const engine of options.engines.filter((one) => drill.engines.includes(one))) {
      print(`${drill.name} on ${engine}: ${drill.about}`);
      const result = await hold(drill, engine, options);
      for (const line of tellFaults(result)) print(line);
      results.push(result);
    }
  }

  print('');
  for (const line of [...toTable(results), '', ...LEGEND, '']) print(line);
  const sound = results.every(isSound);
  print(
    sound ? 'Nothing was lost, doubled or disordered.' : 'The gateway did not keep its promise.',
  );
  return sound ? 0 : 1;
}

async function hold(drill: Drill, engine: Engine, options: Options): Promise<Result> {
  const result = { drill: drill.name, engine };
  const obstacle = obstacleOf(engine) ?? drill.obstacle?.();
  if (obstacle !== undefined) return { ...result, report: { leftOut: obstacle }, seconds: 0 };

  const folder = mkdtempSync(join(tmpdir(), 'kyc-drill-'));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clear);
  const startedAt = performance.now();
  const since = () => (performance.now() - startedAt) / 1000;
  try {
    const cycles = options.cycles ?? drill.cycles;
    const report = await drill.hold({
      engine,
      gateway: [BUILT_GATEWAY, 'start'],
      folder,
      cycles,
      posts: options.posts ?? cycles * drill.postsPerCycle,
      awayMs: options.awaySeconds * 1000,
      random: createRandom(options.seed),
    });
    return { ...result, report, seconds: since() };
  } catch (error) {
    const brokeOff = error instanceof Error ? error.message : 'unknown error';
    return { ...result, report: { brokeOff }, seconds: since() };
  } finally {
    process.off('exit', clear);
    clear();
  }
}

/** `undefined` where they cannot be understood, or help is wanted. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: DRILLS.map(({ name }) => name) },
      engine: { type: 'string', multiple: true, default: [...ENGINES] },
      cycles: { type: 'string' },
      posts: { type: 'string' },
      away: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      help: { type: 'boolean', default: false },
    },
  });
  const drills = DRILLS.filter(({ name }) => values.only.includes(name));
  const engines = ENGINES.filter((engine) => values.engine.includes(engine));
  const numbers = [values.cycles, values.posts, values.away, values.seed];
  const understood =
    new Set(values.only).size === drills.length &&
    new Set(values.engine).size === engines.length &&
    numbers.every((text) => text === undefined || /^[1-9]\d{0,8}$/.test(text));
  if (values.help || !understood) return undefined;
  const [cycles, posts, away, seed] = numbers.map((text) =>
    text === undefined ? undefined : Number(text),
  );
  return { drills, engines, cycles, posts, awaySeconds: away ?? 60, seed: seed ?? 1 };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

// If the run is interrupted, the servers that it started end with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : 'The drills broke off.'}\n`);
    process.exitCode = 1;
  },
);
