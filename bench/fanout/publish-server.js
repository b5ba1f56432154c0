/** Server for the peers of the fan-out bench: WebSockets at `/graphql`, and `POST /publish` to trigger an event. */

const { createServer } = require('node:http');
const { gatewayRequire } = require('../lib/gateway-modules');
const { WebSocketServer } = gatewayRequire('ws');
const { handleProtocols } = gatewayRequire('graphql-ws');

/** @param publish - Called with the event; the answer is sent when it returns. */
function startPublishServer(publish) {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method === 'POST') publish(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(200, { 'content-length': 2 });
      response.end('ok');
    });
  });
  const sockets = new WebSocketServer({ server, path: '/graphql', handleProtocols });
  server.listen(Number(process.env.PORT), '127.0.0.1', 20_000);
  return sockets;
}

module.exports = { startPublishServer };
