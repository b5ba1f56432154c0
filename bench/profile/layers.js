/** Sums profiles of V8 up by layer. */

const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

/** The first pattern that matches the file or function wins. Native functions count for their caller. */
const LAYERS = [
  ['garbage collection', /^\(garbage collector\)/],
  ['WebSocket', /node_modules\/(ws|graphql-ws)\//],
  ['GraphQL', /node_modules\/(graphql|@apollo|type-graphql|dataloader)|\/src\/graphql\//],
  ['cryptography', /node:internal\/crypto|\/src\/encryption\/|\/dedup-digests\.js|\/kit\/hmac\.js/],
  ['SQLite driver', /sqlite\/(connection|driver)\.js|node_modules\/(sqlite3|better-sqlite3)/],
  ['rows as JSON', /sqlite\/(save|json-rows)\.js|\/json-query\/|\/write\/load[\w-]*\.js/],
  ['projection and change log', /\/src\/(store|projector|domain)\//],
  ['adapters', /\/src\/(providers|ingest)\//],
  ['feed', /\/src\/feed\//],
  ['HTTP: ours', /\/src\/(http|access|observability)\//],
  ['HTTP and sockets: Node.js', /node:|^writev|^\(program\)/],
];
const REST = 'rest';

/** @returns `{ [layer]: share }` of the last `seconds` before the processes stopped, over all threads. */
function readProfiles(folder, seconds) {
  const byLayer = {};
  let busy = 0;
  for (const file of readdirSync(folder)) {
    const { nodes, samples, timeDeltas, endTime, startTime } = JSON.parse(
      readFileSync(join(folder, file), 'utf8'),
    );
    const layers = new Map(nodes.map(({ id, callFrame }) => [id, layerOf(callFrame)]));
    const begin = endTime - seconds * 1e6;
    let at = startTime;
    samples.forEach((node, index) => {
      at += timeDeltas[index];
      const layer = layers.get(node);
      if (layer === undefined || at < begin) return;
      busy += timeDeltas[index];
      byLayer[layer] = (byLayer[layer] ?? 0) + timeDeltas[index];
    });
  }
  return Object.fromEntries(
    Object.entries(byLayer)
      .map(([layer, time]) => [layer, time / busy])
      .sort(([, a], [, b]) => b - a),
  );
}

/** `undefined` while nothing runs. */
function layerOf({ functionName, url }) {
  if (functionName === '(idle)' || functionName === '(root)') return undefined;
  const place = url === '' ? functionName : url;
  return LAYERS.find(([, pattern]) => pattern.test(place))?.[0] ?? REST;
}

module.exports = { readProfiles };
