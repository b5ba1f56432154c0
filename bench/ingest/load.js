/** The load process of ingest: signs first, then sends, and prints what it saw. */

const { load } = require('../lib/http-load');
const { readInput } = require('../lib/peer-process');
const { signedRequests } = require('./requests');

async function main() {
  const { secret, first, count, mayClose, ...options } = readInput();
  const requests = signedRequests(first, count, secret);
  if (!mayClose) {
    console.log(JSON.stringify(await load({ ...options, requests })));
    return;
  }
  const acknowledged = [];
  const onBody = (body) => acknowledged.push(JSON.parse(body).deliveryId);
  const run = await load({ ...options, requests, mayClose, onBody });
  console.log(JSON.stringify({ ...run, acknowledged }));
}

main();
