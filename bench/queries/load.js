/** The load process of queries: lays requests out first, then asks, and prints what it saw. */

const { load } = require('../lib/http-load');
const { readInput } = require('../lib/peer-process');
const { questionRequests } = require('./documents');

async function main() {
  const { question, variables, authorization, ...options } = readInput();
  const requests = questionRequests(question, variables, authorization);
  console.log(JSON.stringify(await load({ ...options, requests, cycle: true })));
}

main();
