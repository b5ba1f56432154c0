/**
 * Runs the bench: `node run.js [ingest|queries|fanout|mixed|growth …] [--quick]`, without a name all of it. Prints one table
 * of ratios against the goals; a whole run that is not quick also writes it to `docs/PERFORMANCE.md`.
 */

const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { endAll } = require('./lib/peer-process');
const { measureFanout } = require('./fanout/measure');
const { measureGrowth } = require('./growth/measure');
const { measureIngest } = require('./ingest/measure');
const { measureMixed } = require('./mixed/measure');
const { measureQueries } = require('./queries/measure');
const { goalTable, writeReport } = require('./report');

const PARTS = {
  ingest: measureIngest,
  queries: measureQueries,
  fanout: measureFanout,
  mixed: measureMixed,
  growth: measureGrowth,
};

/** What each part takes: enough to be steady, or just enough to see that it runs. */
const FULL = { quick: false, repetitions: 3, seconds: 3, subscribers: 10_000 };
const QUICK = { quick: true, repetitions: 1, seconds: 1, subscribers: 2_000 };

async function main(args) {
  const size = args.includes('--quick') ? QUICK : FULL;
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknown = names.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined)
    throw new Error(`expected ${unknown} to be one of ${Object.keys(PARTS).join(', ')}`);

  const measured = {};
  for (const name of names.length > 0 ? names : Object.keys(PARTS)) {
    const folder = mkdtempSync(join(tmpdir(), 'kyc-bench-'));
    try {
      measured[name] = await PARTS[name]({ ...size, folder, note: console.error });
    } finally {
      endAll();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  console.log(goalTable(measured));
  if (names.length === 0 && !size.quick) console.log(`\nwritten to ${writeReport(measured)}`);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    endAll();
    process.exit(1);
  });
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
