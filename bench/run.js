/**
 * Runs the bench: `node run.js [ingest|queries|fanout|mixed|growth|profile …] [--quick] [--once]`, without a name all of it. Prints one table
 * of ratios against the goals; a whole run that is not quick also writes it to `docs/performance.md`. `scaling` needs PostgreSQL and
 * Redis; its figures go to `docs/scaling.md`.
 */

const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { endAll } = require('./lib/peer-process');
const { measureFanout } = require('./fanout/measure');
const { measureGrowth } = require('./growth/measure');
const { measureIngest } = require('./ingest/measure');
const { measureMixed } = require('./mixed/measure');
const { measureProfile } = require('./profile/measure');
const { measureQueries } = require('./queries/measure');
const { goalTable, layerTable, scalingTable, writeReport, writeScaling } = require('./report');
const { measureScaling } = require('./scaling/measure');

const PARTS = {
  ingest: measureIngest,
  queries: measureQueries,
  fanout: measureFanout,
  mixed: measureMixed,
  growth: measureGrowth,
  profile: measureProfile,
};

/** Needs PostgreSQL and Redis, so it runs only by its name, and alone. */
const SCALING = 'scaling';

/** Duration and size of each part: long enough for stable figures, or a short check that it runs. */
const FULL = { quick: false, repetitions: 3, seconds: 3, subscribers: 10_000 };
const QUICK = { quick: true, repetitions: 1, seconds: 1, subscribers: 2_000 };

async function main(args) {
  const once = args.includes('--once') ? { repetitions: 1 } : {};
  const size = args.includes('--quick') ? QUICK : { ...FULL, ...once };
  const names = args.filter((arg) => !arg.startsWith('--'));
  if (names.includes(SCALING)) return await scale(size);
  const unknown = names.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined)
    throw new Error(`expected ${unknown} to be one of ${Object.keys(PARTS).join(', ')}`);

  const measured = {};
  for (const name of names.length > 0 ? names : Object.keys(PARTS)) {
    const run = (folder) => PARTS[name]({ ...size, folder, note: console.error });
    measured[name] = await inFolder(run);
  }
  if (names.join() !== 'profile') console.log(goalTable(measured));
  if (measured.profile !== undefined) console.log(`\n${layerTable(measured)}`);
  if (names.length === 0 && !size.quick) console.log(`\nwritten to ${writeReport(measured)}`);
}

async function inFolder(run) {
  const folder = mkdtempSync(join(tmpdir(), 'kyc-bench-'));
  try {
    return await run(folder);
  } finally {
    endAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function scale(size) {
  const scaling = await inFolder((folder) =>
    measureScaling({ ...size, folder, note: console.error }),
  );
  console.log(scalingTable(scaling));
  if (!size.quick) console.log(`\nwritten to ${writeScaling(scaling)}`);
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
