import { createFrame } from '../../../src/http/websocket/frame';

/** Missing in the types of `ws`. */
const { Sender } = jest.requireActual<{
  readonly Sender: { frame(message: Buffer, options: object): readonly Buffer[] };
}>('ws');

const WRAPPING = '{"id":"s","type":"next","payload":}'.length;

/** Bytes that `ws` writes for the message that graphql-ws sends. */
function frameOfWs(id: string, payload: object): string {
  const message = Buffer.from(JSON.stringify({ id, type: 'next', payload }));
  const options = { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false };
  return Buffer.concat(Sender.frame(message, options)).toString('latin1');
}

const createdFrame = (id: string, payload: object) =>
  createFrame(JSON.stringify(payload)).bytesFor(JSON.stringify(id)).toString('latin1');

describe('a frame', () => {
  it.each([10, 125, 126, 127, 65_535, 65_536, 200_000])(
    'of a message of %d bytes equals the frame of `ws`',
    (length) => {
      const payload = { data: 'x'.repeat(Math.max(0, length - WRAPPING - '{"data":""}'.length)) };
      expect(createdFrame('s', payload)).toBe(frameOfWs('s', payload));
    },
  );

  it.each(['', 'b2c0e2c4-6f43-4f7a-9d5c-3f9f8f0e6f11', 'ä"\\\n€😀', '\ud800'])(
    'for the operation ID %j equals the frame of `ws`',
    (id) => {
      const payload = { data: { name: 'Åsa 😀' } };
      expect(createdFrame(id, payload)).toBe(frameOfWs(id, payload));
    },
  );

  it('can be created for several operations', () => {
    const frame = createFrame('{"data":null}');
    const all = ['a', 'bb', 'a'].map((id) =>
      frame.bytesFor(JSON.stringify(id)).toString('latin1', 2),
    );
    expect(all).toEqual(
      ['a', 'bb', 'a'].map((id) => `{"id":"${id}","type":"next","payload":{"data":null}}`),
    );
  });
});
