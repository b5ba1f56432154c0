/** The limit: a frame made beforehand for each subscriber, written to its socket. */

const { gatewayRequire } = require('../lib/gateway-modules');
const { Sender } = gatewayRequire('ws');
const { eventOf } = require('./events');
const { startPublishServer } = require('./publish-server');

const everyone = [];
const byUser = new Map();

const sockets = startPublishServer(({ user }) => {
  const own = byUser.get(user.externalUserId);
  if (own !== undefined) own();
  for (const write of everyone) write();
});

sockets.on('connection', (webSocket) => {
  webSocket.on('message', (data) => {
    const { id, type, payload } = JSON.parse(data);
    if (type === 'connection_init') webSocket.send('{"type":"connection_ack"}');
    if (type !== 'subscribe') return;
    const externalUserId = payload.variables.filter?.externalUserId;
    const message = Buffer.from(
      JSON.stringify({
        id,
        type: 'next',
        payload: { data: { statusChanged: eventOf(externalUserId ?? 'customer-0000000001', 1) } },
      }),
    );
    const frame = Buffer.concat(
      Sender.frame(message, { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false }),
    );
    const write = () => webSocket._socket.write(frame);
    if (externalUserId === undefined) everyone.push(write);
    else byUser.set(externalUserId, write);
  });
});
