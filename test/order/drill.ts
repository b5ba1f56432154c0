/** `npm run drill:order`: the proof of the log's order at length, on the PostgreSQL server at `TEST_POSTGRES_URL`. */

import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { createTestDatabase } from '../support/databases';
import { type OrderReport, proveOrder } from './order-proof';

const USAGE = `Usage: npm run drill:order -- [--instances <n>] [--deliveries <n>]

  --instances   processes that write, 16 writers each (4)
  --deliveries  how many each of them posts (28000, which makes about 100,000 changes)`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      instances: { type: 'string', default: '4' },
      deliveries: { type: 'string', default: '28000' },
      help: { type: 'boolean', default: false },
    },
  });
  const [instances, deliveries] = [values.instances, values.deliveries].map(Number);
  if (values.help || !instances || !deliveries) {
    console.log(USAGE);
    return values.help ? 0 : 1;
  }
  const { config, url, drop } = await createTestDatabase('NOTHING', 'postgres');
  try {
    const report = await proveOrder(config, url, instances, deliveries);
    for (const line of format(report, instances)) console.log(line);
    return isSound(report) ? 0 : 1;
  } finally {
    await drop();
  }
}

function format(report: OrderReport, instances: number): readonly string[] {
  const { deliveries, changes, refused, seconds, readers, log } = report;
  const rate = Math.round(deliveries / seconds);
  return [
    `${instances} instances with 16 writers each posted ${deliveries} deliveries in ${seconds.toFixed(1)} s (${rate}/s)`,
    `${changes} changes; ${refused} writes were rejected and retried`,
    `log: ${log.rows} rows, highest number ${log.highest}, head ${log.head}`,
    '',
    'reader   seen  skipped  repeated  out of order',
    ...readers.map(({ seen, skipped, repeated, disordered }, index) => {
      const counts = [skipped, repeated, disordered].map((count) => String(count).padStart(8));
      return `${String(index + 1).padEnd(4)}${String(seen).padStart(9)}${counts.join('')}`;
    }),
  ];
}

function isSound({ changes, readers, log }: OrderReport): boolean {
  const whole = [log.rows, log.highest, log.head].every((count) => count === changes);
  return (
    whole &&
    readers.every(({ seen, skipped, repeated, disordered }) => {
      return seen === changes && skipped + repeated + disordered === 0;
    })
  );
}

void main().then((code) => {
  process.exitCode = code;
});
