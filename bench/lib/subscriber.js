/**
 * One client of the protocol graphql-transport-ws on a bare socket: it counts frames and reads no more of them than it must,
 * so that ten thousand of them keep up with the fastest peer.
 */

const { randomBytes, randomUUID } = require('node:crypto');
const { connect } = require('node:net');

const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
/** Prefix of each message, in the key order that servers write. */
const NEXT = Buffer.from('"type":"next"');
const ACK = Buffer.from('"type":"connection_ack"');
const BEGINNING = 200;

/**
 * Connects, sends the credentials and subscribes.
 *
 * @param options.onNext - Called for each item with its bytes.
 * @returns after the server has accepted the credentials and the subscription has been sent.
 */
function subscribe({ port, authorization, query, variables, onNext, onError }) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    const id = randomUUID();
    let upgraded = false;
    let rest = Buffer.alloc(0);

    const send = (message) => socket.write(frameOf(TEXT, Buffer.from(JSON.stringify(message))));

    function onMessage(payload) {
      const beginning = payload.subarray(0, BEGINNING);
      if (beginning.includes(NEXT)) onNext(payload);
      else if (beginning.includes(ACK)) {
        send({ id, type: 'subscribe', payload: { query, variables } });
        resolve({ close: () => socket.destroy() });
      } else onError(new Error(`expected an item, got ${payload}`));
    }

    function onFrame(opcode, payload) {
      if (opcode === TEXT) onMessage(payload);
      else if (opcode === PING) socket.write(frameOf(PONG, payload));
      else if (opcode === CLOSE) onError(new Error(`the server closed: ${payload.subarray(2)}`));
    }

    socket.on('connect', () => {
      const key = randomBytes(16).toString('base64');
      socket.write(
        `GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`,
      );
    });
    socket.on('data', (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!upgraded) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!rest.toString('latin1', 0, 12).endsWith(' 101'))
          return reject(new Error(`expected 101, got ${rest}`));
        rest = rest.subarray(end + 4);
        upgraded = true;
        send({ type: 'connection_init', payload: { authorization } });
      }
      rest = readFrames(rest, onFrame);
    });
    socket.on('error', reject);
  });
}

/** @returns what is left: the beginning of a frame that is not all there yet. */
function readFrames(bytes, onFrame) {
  let at = 0;
  while (bytes.length - at >= 2) {
    let length = bytes[at + 1] & 0x7f;
    let start = at + 2;
    if (length === 126) {
      if (bytes.length - at < 4) break;
      length = bytes.readUInt16BE(at + 2);
      start = at + 4;
    } else if (length === 127) {
      if (bytes.length - at < 10) break;
      length = Number(bytes.readBigUInt64BE(at + 2));
      start = at + 10;
    }
    if (bytes.length < start + length) break;
    onFrame(bytes[at] & 0x0f, bytes.subarray(start, start + length));
    at = start + length;
  }
  return bytes.subarray(at);
}

/** Clients have to mask what they send; a mask of zeros leaves it as it is. */
function frameOf(opcode, payload) {
  const length = payload.length;
  const head =
    length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | length])
      : Buffer.from([0x80 | opcode, 0xfe, length >> 8, length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

module.exports = { subscribe };
