/** Load process of the query bench: prepares the requests, sends them and prints the results. */

const { load } = require('../lib/http-load');
const { readInput } = require('../lib/peer-process');
const { questionRequests } = require('./documents');

async function main() {
  const { question, variables, authorization, ...options } = readInput();
  const requests = questionRequests(question, variables, authorization);
  console.log(JSON.stringify(await load({ ...options, requests, cycle: true })));
}

main();
