/** WebSocket frame of one item for many operations. The payload is encoded once; only the operation ID differs. */

export interface Frame {
  /** Returns the frame for one operation. @param quotedId - Operation ID, as JSON. */
  bytesFor(quotedId: string): Buffer;
}

/** First byte of an unfragmented text message. Servers do not mask. */
const TEXT = 0x81;
const TWO_BYTES_FOLLOW = 126;
const EIGHT_BYTES_FOLLOW = 127;
const BEFORE_ID = '{"id":';
const AFTER_ID = ',"type":"next","payload":';

/** @param payload - Payload of the `next` message, as JSON. */
export function createFrame(payload: string): Frame {
  const rest = Buffer.from(`${AFTER_ID}${payload}}`);
  return {
    bytesFor(quotedId) {
      const idLength = Buffer.byteLength(quotedId);
      const length = BEFORE_ID.length + idLength + rest.length;
      const start = getHeaderLength(length);
      const bytes = Buffer.allocUnsafe(start + length);
      writeHeader(bytes, length);
      bytes.write(BEFORE_ID, start, 'latin1');
      bytes.write(quotedId, start + BEFORE_ID.length);
      rest.copy(bytes, start + BEFORE_ID.length + idLength);
      return bytes;
    },
  };
}

function getHeaderLength(length: number): number {
  if (length < TWO_BYTES_FOLLOW) return 2;
  return length < 0x10000 ? 4 : 10;
}

/** @see RFC 6455, section 5.2 */
function writeHeader(bytes: Buffer, length: number): void {
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
