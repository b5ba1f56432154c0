/** `npm run drill:crash`: holds the crash drill against the built gateway and prints what it found. */

import 'reflect-metadata';
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { holds } from './checks';
import { type DrillReport, runCrashDrill } from './crash-drill';

const BUILT_GATEWAY = join(__dirname, '../../dist/src/cli/main.js');
const USAGE = `Usage: npm run drill:crash -- [--cycles <n>] [--posts <n>] [--seed <n>]

  --cycles  how often the gateway is killed (3)
  --posts   how many webhooks are posted, at least (2000)
  --seed    repeats the choices of an earlier run, though not its timing`;

const CONNECTIONS = 64;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '3' },
      posts: { type: 'string', default: '2000' },
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      help: { type: 'boolean', default: false },
    },
  });
  const [kills, posts, seed] = [values.cycles, values.posts, values.seed].map(Number);
  if (values.help || !isCount(kills) || !isCount(posts) || !isCount(seed)) {
    print(USAGE);
    return values.help ? 0 : 1;
  }
  if (!existsSync(BUILT_GATEWAY)) throw new Error('the gateway is not built: npm run build');

  const folder = mkdtempSync(join(tmpdir(), 'kyc-drill-'));
  try {
    const gateway = [BUILT_GATEWAY, 'start'];
    const options = { gateway, folder, posts, connections: CONNECTIONS, kills, seed };
    print(`Crash drill (--seed ${seed}), ${CONNECTIONS} connections at once\n`);
    const report = await runCrashDrill(options);
    for (const line of tell(report)) print(line);
    return report.checks.every(holds) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tell({ checks, kills, connections }: DrillReport): readonly string[] {
  const sound = checks.every(holds);
  return [
    ...kills.map(({ acknowledged, underWay, downMs }, index) => {
      const when = `kill ${index + 1} at ${acknowledged} acknowledged, ${underWay} under way`;
      return `${when}; listening again after ${downMs} ms`;
    }),
    `the subscriber was connected ${connections} times`,
    '',
    `${'check'.padEnd(36)}${'found'.padStart(8)}${'expected'.padStart(10)}`,
    ...checks.map((check) => {
      const { what, found, expected } = check;
      const numbers = `${String(found).padStart(8)}${String(expected).padStart(10)}`;
      return `${what.padEnd(36)}${numbers}  ${holds(check) ? 'ok' : 'WRONG'}`;
    }),
    '',
    sound ? 'Nothing was lost, doubled or disordered.' : 'The gateway did not keep its promise.',
  ];
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value > 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : 'The drill broke off.'}\n`);
    process.exitCode = 1;
  },
);
