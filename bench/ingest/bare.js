/** The limit: plain Node.js that checks the signature and keeps nothing. */

const { createHmac, timingSafeEqual } = require('node:crypto');
const { createServer } = require('node:http');

const { PORT, SECRET } = process.env;

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'GET') return response.end('ready');
    const expected = createHmac('sha256', SECRET).update(Buffer.concat(chunks)).digest();
    const shown = Buffer.from(request.headers['x-payload-digest'] ?? '', 'hex');
    const authentic = shown.length === expected.length && timingSafeEqual(shown, expected);
    const body = authentic ? '{"status":"ok"}' : '{"status":"forbidden"}';
    response.writeHead(authentic ? 200 : 403, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  });
}).listen(Number(PORT), '127.0.0.1');
