/** Compares the measurements with the goals, as Markdown on the terminal and in `docs/performance.md`. */

const { readFileSync, writeFileSync } = require('node:fs');
const { cpus, release, totalmem } = require('node:os');
const { join } = require('node:path');
const { gatewayRequire, ROOT } = require('./lib/gateway-modules');
const { GOALS } = require('./goals');

const FILE = join(ROOT, 'docs/performance.md');
const SCALING_FILE = join(ROOT, 'docs/scaling.md');
/** Between these lines the document is made by the bench; the rest is written by people. */
const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

const VERSIONS = [
  'typeorm',
  'sqlite3',
  '@apollo/server',
  'type-graphql',
  'graphql',
  'graphql-ws',
  'ws',
];
const BAR = 40;

/** The one table. @param measured - Results by part; a part that did not run has no rows. */
function goalTable(measured) {
  const rows = Object.entries(GOALS).flatMap(([part, goals]) => {
    if (measured[part] === undefined) return [];
    return goals.map(({ what, goal, of }) => {
      const value = of(measured[part]);
      return Number.isFinite(value)
        ? [what, goal.text, format(value), goal.met(value) ? 'yes' : '**no**']
        : [what, goal.text, '–', 'not measured'];
    });
  });
  return table(['', 'goal', 'measured', 'met'], rows);
}

/** The figures that the ratios are made of. */
function figures(measured) {
  const rows = [];
  for (const part of ['ingest', 'queries', 'fanout']) {
    for (const [peer, runs] of Object.entries(measured[part] ?? {})) {
      for (const [what, { perSecond, p50, p99 }] of Object.entries(runs)) {
        rows.push([
          part,
          part === 'ingest' ? `${what} connections` : what,
          peer,
          Math.round(perSecond).toLocaleString('en-US'),
          format(p50),
          format(p99),
        ]);
      }
    }
  }
  return table(['part', 'load', 'peer', 'per second', 'p50 ms', 'p99 ms'], rows);
}

/** CPU time by layer. */
function layerTable({ profile }) {
  const loads = Object.keys(profile);
  const most = (layer) => Math.max(...loads.map((load) => profile[load][layer] ?? 0));
  const layers = [...new Set(loads.flatMap((load) => Object.keys(profile[load])))].sort(
    (a, b) => most(b) - most(a),
  );
  const percent = (share = 0) => (share < 0.005 ? '' : `${Math.round(share * 100)} %`);
  return table(
    ['layer', ...loads],
    layers.map((layer) => [layer, ...loads.map((load) => percent(profile[load][layer]))]),
  );
}

/** Rates relative to the smaller size, as bars. The goal is a flat line. */
function chart({ growth, fanout }) {
  const bars = [];
  for (const [scale, rates] of Object.entries(growth?.rates ?? {})) {
    for (const [what, rate] of Object.entries(rates))
      bars.push([what, `${scale} × rows`, rate / growth.rates[1][what]]);
  }
  bars.sort(([a], [b]) => a.localeCompare(b));
  if (fanout !== undefined) {
    bars.push(
      ['push to one', 'a tenth of subscribers', 1],
      [
        'push to one',
        'all subscribers',
        fanout.gateway.own.perSecond / fanout.gateway.fewer.perSecond,
      ],
    );
  }
  const lines = bars.map(([what, size, share]) => {
    const bar = '█'.repeat(Math.min(BAR, Math.round((share * BAR) / 1.5)));
    return `${what.padEnd(12)} ${size.padEnd(22)} ${bar} ${format(share)}`;
  });
  return lines.length === 0 ? '' : `\`\`\`text\n${lines.join('\n')}\n\`\`\``;
}

function machine() {
  const [cpu] = cpus();
  const versions = VERSIONS.map((name) => `${name} ${versionOf(name)}`);
  const peers = Object.entries(require('./package.json').dependencies).map(
    ([name, version]) => `${name} ${version}`,
  );
  return [
    `- ${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}`,
    `- Node.js ${process.versions.node}; ${versions.join(', ')}; peers: ${peers.join(', ')}`,
  ].join('\n');
}

function versionOf(name) {
  const folder = join(ROOT, 'node_modules', name, 'package.json');
  return gatewayRequire(folder).version;
}

/** Replaces the part of the document that is the bench's. */
function writeReport(measured) {
  const text = [`## Measured\n\n${machine()}\n\n${goalTable(measured)}`];
  const growth = chart(measured);
  if (growth !== '')
    text.push(
      `## How cost grows\n\nRate on more data or with more subscribers, as a share of the rate with less.\n\n${growth}`,
    );
  if (measured.profile !== undefined)
    text.push(
      `## Where the time goes\n\nProcessor time of the JavaScript threads under full load, by layer. SQLite itself works on threads of its own.\n\n${layerTable(measured)}`,
    );
  text.push(
    `## Figures behind the ratios\n\nMedians on the machine above; elsewhere only the ratios carry over.\n\n${figures(measured)}`,
  );
  return replacePart(FILE, text.join('\n\n'));
}

/** Several instances compared with one, on one database. */
function scalingTable({ ingest, fanout }) {
  const rows = (what, runs) =>
    Object.entries(runs).map(([instances, { perSecond, p50, p99 }]) => [
      what,
      instances,
      Math.round(perSecond).toLocaleString('en-US'),
      format(perSecond / runs[1].perSecond),
      format(p50),
      format(p99),
    ]);
  return table(
    ['', 'instances', 'per second', '÷ one instance', 'p50 ms', 'p99 ms'],
    [...rows('webhooks', ingest), ...rows('pushes', fanout)],
  );
}

function writeScaling(scaling) {
  return replacePart(SCALING_FILE, `${machine()}\n\n${scalingTable(scaling)}`);
}

/** Leaves what people have written around it. */
function replacePart(file, text) {
  const document = readFileSync(file, 'utf8');
  const [before, rest] = document.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`expected ${BEGIN} and ${END} in ${file}`);
  writeFileSync(file, `${before}${BEGIN}\n\n${text}\n\n${END}${after}`);
  return file;
}

function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function format(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return '–';
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(value >= 0.1 ? 2 : 3);
}

module.exports = { goalTable, layerTable, scalingTable, writeReport, writeScaling };
