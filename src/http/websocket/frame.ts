/** One item for many operations: the WebSocket frame is laid out once, and differs in nothing but the operation's id. */

export interface Frame {
  /** The bytes to write for this operation. @param quotedId - Its id, as JSON. */
  bytesFor(quotedId: string): Buffer;
}

/** Of a text message that is whole and, as all that servers send, not masked. */
const TEXT = 0x81;
const TWO_BYTES_FOLLOW = 126;
const EIGHT_BYTES_FOLLOW = 127;
const BEFORE_ID = '{"id":';
const AFTER_ID = ',"type":"next","payload":';

/** @param payload - Of the message `next`, as JSON. */
export function createFrame(payload: string): Frame {
  const rest = Buffer.from(`${AFTER_ID}${payload}}`);
  return {
    bytesFor(quotedId) {
      const idLength = Buffer.byteLength(quotedId);
      const length = BEFORE_ID.length + idLength + rest.length;
      const start = headLength(length);
      const bytes = Buffer.allocUnsafe(start + length);
      writeHead(bytes, length);
      bytes.write(BEFORE_ID, start, 'latin1');
      bytes.write(quotedId, start + BEFORE_ID.length);
      rest.copy(bytes, start + BEFORE_ID.length + idLength);
      return bytes;
    },
  };
}

function headLength(length: number): number {
  if (length < TWO_BYTES_FOLLOW) return 2;
  return length < 0x10000 ? 4 : 10;
}

/** @see RFC 6455, section 5.2 */
function writeHead(bytes: Buffer, length: number): void {
  bytes[0] = TEXT;
  if (length < TWO_BYTES_FOLLOW) {
    bytes[1] = length;
  } else if (length < 0x10000) {
    bytes[1] = TWO_BYTES_FOLLOW;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = EIGHT_BYTES_FOLLOW;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
}
